// SPDX-License-Identifier: MIT
/**
 * One of the real threads: loads the file of the test, finds the program, and runs one of its tasks in
 * one copy of the shared buffers after the other, each at about the time at which the others run
 * theirs in the same copy. This module is also what the thread begins with.
 */
import { type MessagePort, workerData } from "node:worker_threads";
import {
  type CheckedProgram,
  type CheckedTask,
  checked,
} from "../../explore/javascript/checked.ts";
import { called } from "../../explore/javascript/linearizability.ts";
import type { MethodCall, TaskOperation } from "../../explore/javascript/program.ts";
import { resultOf } from "../../explore/javascript/same.ts";
import { quoted } from "../../machine/quoted.ts";
import { idleRunners } from "./idle-runner.ts";
import { partsOf, programOf } from "./mode.ts";

export const ENTRY = new URL(import.meta.url);

export type Copy = Readonly<Record<string, SharedArrayBuffer>>;

/** What a thread is given. */
export interface Work {
  readonly module: string;
  readonly program: string;
  readonly task: number;
  readonly copies: readonly Copy[];
  /** ROUND, DONE, CLOCK, and from COPY on for each task the copy that it is in. */
  readonly control: Int32Array;
  readonly port: MessagePort;
}

/** What it says after each round: a result for each copy, or what is wrong. */
export interface Said {
  readonly results?: readonly unknown[];
  readonly wrong?: string;
}

/** One call of an object, with the clock before and after it. */
export interface TimedCall {
  readonly begins: number;
  readonly ends: number;
  readonly result: unknown;
}

export const ROUND = 0;
export const DONE = 1;
export const CLOCK = 2;
export const COPY = 3;

/** Looks at the others before a task goes on alone: they may have no core. */
const PATIENCE = 1000;
/** Looks more, at most, that a task lets pass by chance. */
const JITTER = 32;

class Thread {
  private readonly work: Work;
  private readonly program: CheckedProgram;
  private readonly task: CheckedTask;
  /** What the task gets, by copy. */
  private readonly shared: readonly unknown[];

  constructor(work: Work, program: CheckedProgram) {
    this.work = work;
    this.program = program;
    this.task = program.tasks[work.task] as CheckedTask;
    this.shared = work.copies.map((copy) => program.sharedOf(copy));
  }

  round(): Said {
    const { control, task, copies } = this.work;
    const results = this.shared.map((shared, at) => {
      Atomics.store(control, COPY + task, at);
      this.meet(at);
      return this.run(shared);
    });
    Atomics.store(control, COPY + task, copies.length);
    return { results };
  }

  /** Until all are in this copy, but not for long; then some steps more, so that each may be first. */
  private meet(at: number): void {
    const { control } = this.work;
    const tasks = control.length - COPY;
    for (let looks = 0, task = 0; looks < PATIENCE && task < tasks; looks++) {
      if (Atomics.load(control, COPY + task) >= at) task++;
    }
    for (let steps = Math.random() * JITTER; steps > 0; steps--) Atomics.load(control, ROUND);
  }

  private run(shared: unknown): unknown {
    const { name, steps, isCalls, isList } = this.task;
    if (isCalls) return this.runCalls(shared);
    const results: unknown[] = [];
    for (const step of steps) {
      results.push(resultOf(name, (step as TaskOperation<unknown>)(shared, results)));
    }
    return isList ? results : results[0];
  }

  private runCalls(shared: unknown): TimedCall[] {
    const { object, spec } = this.program;
    const { control } = this.work;
    const made = object?.(shared) as object;
    return this.task.steps.map((step) => {
      const [method, ...args] = step as MethodCall;
      const begins = Atomics.add(control, CLOCK, 1);
      const result = resultOf(this.task.name, called(made, method, args, spec !== undefined));
      return { begins, ends: Atomics.add(control, CLOCK, 1), result };
    });
  }
}

async function load(work: Work): Promise<Thread> {
  const { module, program } = work;
  idleRunners();
  const exported = await import(module).catch((error: unknown) => {
    const why = /outside a module/.test(`${error}`)
      ? 'its package.json has no "type": "module"'
      : `${error} (Node itself loads it there: it strips types from 22.18 on, and imports need their file endings)`;
    throw new Error(`a thread cannot load ${quoted(module)}: ${why}`);
  });
  return new Thread(work, checked(partsOf(programOf(program, exported)).program));
}

/** Runs rounds until the thread is ended. */
async function serve(work: Work): Promise<void> {
  const { control } = work;
  try {
    const thread = await load(work);
    say(work, {});
    for (let rounds = 0; ; rounds++) {
      Atomics.wait(control, ROUND, rounds);
      say(work, thread.round());
    }
  } catch (thrown) {
    say(work, { wrong: String(thrown).replace(/^Error: /, "") });
  }
}

function say({ control, port }: Work, said: Said): void {
  port.postMessage(said);
  Atomics.add(control, DONE, 1);
  Atomics.notify(control, DONE);
}

// Not awaited: the file of the test imports this module, too.
if (workerData?.slablab !== undefined) void serve(workerData.slablab);
