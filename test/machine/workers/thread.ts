/** The worker's side of threads.ts: one task with its memory and machine, and a place to meet. */
import { parentPort, workerData } from "node:worker_threads";
import type { DirectMemory } from "../../../src/machine/direct-memory.ts";
import {
  directMemory,
  Machine,
  type MemoryClass,
  type SharedMachine,
} from "../../../src/machine/machine.ts";
import type { Address } from "../../../src/machine/memory.ts";
import type { WorkerStart } from "../threads.ts";

export const SCRATCH_WORDS = 1024;

/** Where a test's threads, and the test itself, find their common words. */
export function scratchOf(machine: Machine): { meeting: Address; scratch: Address } {
  return {
    meeting: machine.statics.words(16, "meeting"),
    scratch: machine.statics.words(SCRATCH_WORDS, "scratch"),
  };
}

export class Thread<M extends DirectMemory = DirectMemory> {
  readonly memory: M;
  readonly machine: Machine;
  readonly index: number;
  readonly count: number;
  readonly argument: number;
  readonly scratch: Address;
  private readonly meeting: Address;
  private met = 0;

  constructor(memory: M, shared: SharedMachine, start: WorkerStart) {
    this.memory = memory;
    this.machine = new Machine(memory, shared.options);
    this.machine.serve(memory);
    this.index = start.index;
    this.count = start.count;
    this.argument = start.argument ?? 0;
    const { meeting, scratch } = scratchOf(this.machine);
    this.meeting = meeting;
    this.scratch = scratch;
  }

  /** Goes on when all threads have come here. */
  meet(): void {
    const { memory, meeting } = this;
    this.met += this.count;
    const there = memory.add(meeting, 1) + 1;
    if (there === this.met) memory.notify(meeting);
    this.waitUntil(meeting, (value) => value >= this.met);
  }

  waitUntil(address: Address, holds: (value: number) => boolean): void {
    const { memory } = this;
    for (;;) {
      const value = memory.loadAcquire(address);
      if (holds(value)) return;
      memory.waitWhile(address, value);
    }
  }

  /** Sets a word that another thread waits for. */
  say(address: Address, value: number): void {
    this.memory.storeRelease(address, value);
    this.memory.notify(address);
  }
}

/** Runs the job that the test asked for and posts what it returns. */
export function serveJobs<M extends DirectMemory>(
  jobs: Record<string, (thread: Thread<M>) => unknown>,
  memoryClass?: MemoryClass,
): void {
  const start = workerData as WorkerStart;
  const job = jobs[start.job];
  if (job === undefined) throw new RangeError(`no job ${start.job}`);
  const memory = directMemory(start.shared, memoryClass) as M;
  const answer = job(new Thread(memory, start.shared, start));
  parentPort?.postMessage(answer);
}
