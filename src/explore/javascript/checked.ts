// SPDX-License-Identifier: MIT
/** A program with every part checked, and with one form for what may be written in two. */
import { MAX_CPUS } from "../../machine/cpus.ts";
import { quoted } from "../../machine/quoted.ts";
import { NotExplorable } from "../failure.ts";
import { MEMORY_MODELS, type MemoryModel } from "../store-buffers.ts";
import type { JavaScriptProgram, MethodCall, Results, TaskOperation } from "./program.ts";

export interface CheckedTask {
  readonly name: string;
  readonly steps: readonly (TaskOperation<unknown> | MethodCall)[];
  /** Its steps are calls of one object, and the task is one operation. */
  readonly isCalls: boolean;
  /** Its results are a list. */
  readonly isList: boolean;
}

export interface CheckedProgram {
  readonly name: string;
  readonly buffers: Readonly<Record<string, SharedArrayBuffer>>;
  readonly names: Readonly<Record<string, number>>;
  readonly tasks: readonly CheckedTask[];
  readonly spins: number | undefined;
  readonly memory: MemoryModel;
  readonly init: ((shared: unknown) => void) | undefined;
  readonly check: ((shared: unknown, results: Results) => void) | undefined;
  readonly object: ((shared: unknown) => object) | undefined;
  readonly spec: (() => object) | undefined;
  /** What operations get. */
  sharedOf(buffers: Readonly<Record<string, SharedArrayBuffer>>): unknown;
}

const MEMBERS = new Set([
  "name",
  "words",
  "names",
  "buffers",
  "init",
  "tasks",
  "check",
  "object",
  "spec",
  "spins",
  "memory",
]);
/** 16 MiB: more than any program needs whose schedules can be explored. */
const MOST_BYTES = 2 ** 24;

/** @throws RangeError, NotExplorable: says which part of the program is wrong. */
export function checked(program: JavaScriptProgram): CheckedProgram {
  for (const member of Object.keys(program)) {
    if (!MEMBERS.has(member))
      throw new NotExplorable(`a program has no member "${quoted(member)}"`);
  }
  const { name = "program", words, names = {}, buffers, tasks, object, spec, spins } = program;
  const { memory = "sc" } = program;
  if ((words === undefined) === (buffers === undefined)) {
    throw new NotExplorable("a program has either words or buffers");
  }
  if (spec !== undefined && object === undefined) {
    throw new NotExplorable("a program with a spec needs an object whose methods its tasks call");
  }
  if (spins !== undefined && !(Number.isSafeInteger(spins) && spins >= 0)) {
    throw new RangeError(`spins is a number of rounds from 0, not ${quoted(String(spins))}`);
  }
  if (!MEMORY_MODELS.includes(memory)) {
    throw new RangeError(`memory is ${MEMORY_MODELS.join(", ")}, not ${quoted(String(memory))}`);
  }
  checkNames(names, words);
  return {
    memory,
    name,
    names,
    spins,
    spec: aFunction("spec", spec),
    object: aFunction("object", object) as CheckedProgram["object"],
    init: aFunction("init", program.init) as CheckedProgram["init"],
    check: aFunction("check", program.check) as CheckedProgram["check"],
    buffers: words === undefined ? allOf(buffers ?? {}) : { words: ofWords(words) },
    tasks: tasksOf(tasks, object !== undefined),
    sharedOf: (all) =>
      words === undefined ? Object.freeze({ ...all }) : new Int32Array(all.words as never),
  };
}

function checkNames(names: Readonly<Record<string, number>>, words: number | undefined): void {
  for (const [name, word] of Object.entries(names)) {
    if (Number.isSafeInteger(word) && word >= 0 && word < (words ?? 0)) continue;
    throw new RangeError(`names: "${quoted(name)}" is no word of the program`);
  }
}

function aFunction<T>(member: string, value: T): T {
  if (value === undefined || typeof value === "function") return value;
  throw new NotExplorable(`${member} is a function, not ${quoted(String(value))}`);
}

function ofWords(words: number): SharedArrayBuffer {
  return newBuffer("words", words, 4);
}

function allOf(
  buffers: Readonly<Record<string, number | SharedArrayBuffer>>,
): Record<string, SharedArrayBuffer> {
  const all = Object.entries(buffers).map(([name, given]) => [
    name,
    typeof given === "number" ? newBuffer(name, given, 1) : givenBuffer(name, given),
  ]);
  if (all.length === 0) throw new NotExplorable("a program shares at least one buffer");
  return Object.fromEntries(all);
}

function newBuffer(name: string, length: number, bytesEach: number): SharedArrayBuffer {
  if (!Number.isSafeInteger(length) || length < 1 || length * bytesEach > MOST_BYTES) {
    throw new RangeError(
      `"${quoted(name)}": ${quoted(String(length))} is no size from 1 to ${MOST_BYTES / bytesEach}`,
    );
  }
  return new SharedArrayBuffer(length * bytesEach);
}

function givenBuffer(name: string, buffer: SharedArrayBuffer): SharedArrayBuffer {
  if (!(buffer instanceof SharedArrayBuffer)) {
    throw new NotExplorable(
      `"${quoted(name)}" is neither a number of bytes nor a SharedArrayBuffer`,
    );
  }
  if ((buffer as { growable?: boolean }).growable === true) {
    throw new NotExplorable(`"${quoted(name)}": a buffer that can grow cannot be explored`);
  }
  if (buffer.byteLength > MOST_BYTES) {
    throw new RangeError(`"${quoted(name)}" has more than ${MOST_BYTES} bytes`);
  }
  return buffer;
}

function tasksOf(tasks: JavaScriptProgram["tasks"], isCalls: boolean): CheckedTask[] {
  const all = Object.entries(tasks ?? {});
  if (all.length === 0 || all.length > MAX_CPUS) {
    throw new RangeError(`a program has 1 to ${MAX_CPUS} tasks, not ${all.length}`);
  }
  return all.map(([name, task]) => {
    const isList = Array.isArray(task);
    const steps = (isList ? task : [task]) as CheckedTask["steps"];
    for (const step of steps) checkStep(name, step, isCalls);
    return { name, steps, isCalls, isList };
  });
}

function checkStep(name: string, step: unknown, isCalls: boolean): void {
  if (isCalls) {
    if (Array.isArray(step) && typeof step[0] === "string") return;
    throw new NotExplorable(`"${quoted(name)}": a call is a list, ["method", ...arguments]`);
  }
  if (typeof step !== "function") {
    throw new NotExplorable(`"${quoted(name)}" is neither a function nor a list of functions`);
  }
  if (step.constructor.name !== "AsyncFunction") return;
  throw new NotExplorable(`"${quoted(name)}" is async: a task runs without await`);
}
