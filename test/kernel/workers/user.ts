/**
 * A thread of a program that shares a pool: allocates, marks, checks and frees, until it is told to
 * stop or is ended by force. Answers with what it saw: how often it came round, or an error.
 */
import { parentPort, workerData } from "node:worker_threads";
import { attach, type Kernel, systemOf } from "../../../src/kernel/kernel.ts";
import type { SharedKernel } from "../../../src/kernel/shared-kernel.ts";
import type { Address } from "../../../src/machine/memory.ts";
import { type PoolBuild, poolBuild } from "../pool.ts";

export interface UserStart {
  readonly shared: SharedKernel;
  readonly build: PoolBuild;
  readonly workload: string;
  /** An object whose first word is 1 when all are to stop. */
  readonly stop: Address;
  readonly cache: Address;
}

const { shared, build, workload, stop, cache } = workerData as UserStart;
const HELD = 40;

const kernel = attach(shared, poolBuild(build));
const { memory } = systemOf(kernel);

/** Marks an object as this thread's. */
function mark(object: Address): Address {
  if (object === 0) throw new Error("the pool has no memory left");
  memory.write32(object, object ^ kernel.task);
  memory.write32(object + 28, object ^ kernel.task);
  return object;
}

function check(object: Address): Address {
  for (const at of [object, object + 28]) {
    if (memory.read32(at) !== (object ^ kernel.task)) throw new Error(`${object} was overwritten`);
  }
  return object;
}

const held: Address[] = [];

/** Each is a way to use a pool; a call comes round once. */
const WORKLOADS: Record<string, (kernel: Kernel, round: number) => void> = {
  idle: () => {},
  pairs: (kernel, round) => kernel.kfree(check(mark(kernel.kmalloc(32 + (round % 900))))),
  holding: (kernel, round) => {
    const i = round % HELD;
    if (held[i] !== undefined) kernel.kmemCacheFree(cache, check(held[i]));
    held[i] = mark(kernel.kmemCacheAlloc(cache));
  },
  sections: (kernel, round) =>
    kernel.run(() => {
      for (let i = 0; i < 20; i++) WORKLOADS.holding?.(kernel, round * 20 + i);
    }),
  bulk: (kernel) => {
    const p: Address[] = [];
    kernel.kmemCacheAllocBulk(cache, 16, p);
    for (const object of p) check(mark(object));
    kernel.kmemCacheFreeBulk(cache, 16, p);
  },
  rcu: (kernel, round) => {
    kernel.kfreeRcu(check(mark(kernel.kmalloc(64))));
    if (round % 50 === 0) kernel.synchronizeRcu();
  },
  caches: (kernel, round) => {
    const own = kernel.kmemCacheCreate(`of-${kernel.task}-${round}`, 64);
    kernel.kmemCacheFree(own, check(mark(kernel.kmemCacheAlloc(own))));
    kernel.kmemCacheDestroy(own);
  },
};

function work(): { rounds: number; error?: string } {
  let rounds = 0;
  try {
    while (memory.loadAcquire(stop) === 0) WORKLOADS[workload]?.(kernel, rounds++);
    for (const object of held) if (object !== undefined) kernel.kmemCacheFree(cache, check(object));
    kernel.detach();
    return { rounds };
  } catch (error) {
    return { rounds, error: String(error) };
  }
}

parentPort?.postMessage({ task: kernel.task });
// The parent hears of the task before the work begins.
setImmediate(() => parentPort?.postMessage(work()));
