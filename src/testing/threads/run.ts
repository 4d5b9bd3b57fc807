// SPDX-License-Identifier: MIT
/**
 * Runs a program on real threads, a thousand copies of its shared buffers at a time, and shows each
 * copy with the results of the tasks. The caller waits without a turn of the event loop, as it does
 * for the explorer.
 */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from "node:worker_threads";
import { classOf } from "../../explore/failure.ts";
import { type CheckedProgram, checked } from "../../explore/javascript/checked.ts";
import { checkLinearizable } from "../../explore/javascript/linearizability.ts";
import type { MethodCall, Results } from "../../explore/javascript/program.ts";
import { type Mode, partsOf } from "./mode.ts";
import { CLOCK, COPY, type Copy, DONE, ENTRY, ROUND, type Said, type TimedCall } from "./thread.ts";

const RUNS = 100_000;
const SECONDS = 10;
/** Copies of the buffers: so many, or so many bytes. */
const MOST_COPIES = 1000;
const MOST_BYTES = 2 ** 24;
/** Seconds to load the file. */
const LOADING = 60;

/** Runs the program. @throws Error for a run that fails, RangeError, NotExplorable for a bad program. */
export function runOnThreads(given: object & Mode, each: (results: Results) => void): void {
  const { program, search } = partsOf(given);
  const { schedules = RUNS, seconds = SECONDS } = search;
  const threads = new Threads(checked(program), given.module as string, schedules);
  try {
    threads.load();
    const ends = performance.now() + seconds * 1000;
    while (threads.runs < schedules && performance.now() < ends) threads.round(each, seconds);
  } finally {
    threads.end();
  }
}

class Threads {
  runs = 0;
  private readonly program: CheckedProgram;
  private readonly beginning: Copy;
  private readonly copies: readonly Copy[];
  private readonly control: Int32Array;
  private readonly workers: Worker[] = [];
  private readonly ports: MessagePort[] = [];

  constructor(program: CheckedProgram, module: string, runs: number) {
    const { name, tasks, buffers } = program;
    const bytes = Object.values(buffers).reduce((sum, { byteLength }) => sum + byteLength, 0);
    const copies = Math.max(1, Math.min(MOST_COPIES, runs, Math.floor(MOST_BYTES / bytes)));
    this.program = program;
    this.beginning = copyOf(buffers);
    program.init?.(program.sharedOf(this.beginning));
    this.copies = Array.from({ length: copies }, () => copyOf(this.beginning));
    this.control = new Int32Array(new SharedArrayBuffer(4 * (COPY + tasks.length)));
    for (const task of tasks.keys()) {
      const { port1, port2: port } = new MessageChannel();
      const { control, copies } = this;
      const slablab = { module, program: name, task, copies, control, port };
      this.ports.push(port1);
      this.workers.push(new Worker(ENTRY, { workerData: { slablab }, transferList: [port] }));
    }
  }

  load(): void {
    this.answers(LOADING);
  }

  /** @param patience seconds for a step of a thread. */
  round(each: (results: Results) => void, patience: number): void {
    const { control, copies } = this;
    for (const copy of copies) fill(copy, this.beginning);
    for (const word of [DONE, CLOCK]) Atomics.store(control, word, 0);
    Atomics.add(control, ROUND, 1);
    Atomics.notify(control, ROUND);
    const answers = this.answers(patience);
    for (const [at, copy] of copies.entries()) {
      const results = answers.map((said) => said.results?.[at]);
      try {
        this.judge(copy, results, each);
      } catch (cause) {
        throw new Error(`run ${this.runs + 1}: ${classOf(cause).message}`, { cause });
      }
      this.runs++;
    }
  }

  end(): void {
    for (const port of this.ports) port.close();
    for (const worker of this.workers) void worker.terminate();
  }

  /** What all threads say, when they have done what they were told. */
  private answers(patience: number): Said[] {
    const { control, ports } = this;
    let places = "";
    for (let done = 0; done < ports.length; done = Atomics.load(control, DONE)) {
      if (Atomics.wait(control, DONE, done, patience * 500) !== "timed-out") continue;
      const now = control.join();
      if (now === places) throw new Error(this.stuckText(patience));
      places = now;
    }
    return ports.map((port, task) => {
      const said = receiveMessageOnPort(port)?.message as Said;
      if (said.wrong === undefined) return said;
      throw new Error(`${this.where(task)}: ${said.wrong}`);
    });
  }

  private stuckText(patience: number): string {
    const all = [...this.program.tasks.keys()];
    const stuck = all.filter((task) => this.copyOf(task) < this.copies.length);
    const where = stuck.map((task) => this.where(task)).join(", ");
    return `${where}: no end in ${patience} seconds: a deadlock, or an endless loop`;
  }

  private copyOf(task: number): number {
    return Atomics.load(this.control, COPY + task);
  }

  /** The task and, if it is in one, the run. */
  private where(task: number): string {
    const { program, control, copies, runs } = this;
    const name = String(program.tasks[task]?.name);
    const at = this.copyOf(task);
    const isInRun = Atomics.load(control, ROUND) > 0 && at < copies.length;
    return isInRun ? `${name}, run ${runs + at + 1}` : name;
  }

  private judge(copy: Copy, results: readonly unknown[], each: (results: Results) => void): void {
    const { tasks, spec, check } = this.program;
    const timed = tasks.flatMap(({ name, steps, isCalls }, task) => {
      if (!isCalls) return [];
      return (results[task] as TimedCall[]).map((call, i) => {
        const [method, ...args] = steps[i] as MethodCall;
        return { task: name, method, args, ...call };
      });
    });
    if (spec !== undefined) checkLinearizable(timed, spec);
    const named = Object.fromEntries(
      tasks.map(({ name, isCalls }, task) => {
        const result = results[task];
        return [name, isCalls ? (result as TimedCall[]).map((call) => call.result) : result];
      }),
    );
    check?.(this.program.sharedOf(copy), named);
    each(named);
  }
}

function copyOf(buffers: Copy): Copy {
  const names = Object.entries(buffers);
  const made = names.map(([name, { byteLength }]) => [name, new SharedArrayBuffer(byteLength)]);
  const copy = Object.fromEntries(made) as Copy;
  fill(copy, buffers);
  return copy;
}

function fill(copy: Copy, from: Copy): void {
  for (const [name, buffer] of Object.entries(copy)) {
    new Uint8Array(buffer).set(new Uint8Array(from[name] as SharedArrayBuffer));
  }
}
