/** Threads that hammer one primitive each: what they did must add up afterwards. */
import { bitSpinLock, bitSpinUnlock } from "../../../src/machine/bit-spinlock.ts";
import { mutexLock, mutexUnlock } from "../../../src/machine/mutex.ts";
import { spinLock, spinTrylock, spinUnlock } from "../../../src/machine/spinlock.ts";
import { TorturedMemory } from "../../../src/machine/tortured-memory.ts";
import { serveJobs, type Thread } from "./thread.ts";

const LOCK = 0;
const COUNTER = 256;

function times(thread: Thread, act: () => void): void {
  thread.meet();
  for (let i = 0; i < thread.argument; i++) act();
}

/**
 * Adds 1 to a plain counter under a lock: without the lock, counts would get lost. Delays open the
 * windows between the accesses, those of the lock itself among them.
 */
function countUnder(thread: Thread<TorturedMemory>, lock: () => void, unlock: () => void): void {
  const { memory, scratch } = thread;
  memory.enterCpu(thread.index);
  memory.torture({ interrupts: 0, migrations: 0, delays: 0.02 }, thread.index);
  times(thread, () => {
    lock();
    memory.write32(scratch + COUNTER, memory.read32(scratch + COUNTER) + 1);
    unlock();
  });
  memory.leaveCpu();
}

const jobs: Parameters<typeof serveJobs<TorturedMemory>>[0] = {
  add: (thread) => times(thread, () => thread.memory.add(thread.scratch, 3)),

  cmpxchg: (thread) => {
    const { memory, scratch } = thread;
    let failures = 0;
    times(thread, () => {
      let seen = memory.readOnce(scratch);
      for (;;) {
        const found = memory.cmpxchg(scratch, seen, seen + 1);
        if (found === seen) break;
        seen = found;
        failures++;
      }
    });
    return failures;
  },

  // Low and high are kept as n and ~n: a swap that took only one half would leave them at odds.
  cmpxchgDouble: (thread) => {
    const { memory, scratch } = thread;
    times(thread, () => {
      for (;;) {
        const low = memory.readOnce(scratch);
        const high = memory.readOnce(scratch + 4);
        if (memory.cmpxchgDouble(scratch, low, high, (low + 1) | 0, ~((low + 1) | 0))) {
          if (high !== ~low) throw new Error(`torn: a swap of ${low} and ${high} went through`);
          break;
        }
      }
    });
  },

  // Each thread puts tokens in and takes others out: none may be lost or doubled.
  xchg: (thread) => {
    const { memory, scratch } = thread;
    let sum = 0;
    times(thread, () => {
      const token = memory.random() | 1;
      sum = (sum + token - memory.xchg(scratch, token)) | 0;
    });
    return sum;
  },

  // Both read before either writes: what a lock is there to forbid.
  withoutLock: (thread) => {
    const { memory, scratch } = thread;
    for (let i = 0; i < thread.argument; i++) {
      const seen = memory.read32(scratch + COUNTER);
      thread.meet();
      memory.write32(scratch + COUNTER, seen + 1);
      thread.meet();
    }
  },

  spinlock: (thread) => {
    const lock = thread.scratch + LOCK;
    countUnder(
      thread,
      () => spinLock(thread.memory, lock),
      () => spinUnlock(thread.memory, lock),
    );
  },

  spinTrylock: (thread) => {
    const lock = thread.scratch + LOCK;
    countUnder(
      thread,
      () => {
        while (!spinTrylock(thread.memory, lock));
      },
      () => spinUnlock(thread.memory, lock),
    );
  },

  bitSpinlock: (thread) => {
    const { memory, scratch } = thread;
    countUnder(
      thread,
      () => bitSpinLock(memory, scratch, 1, "slab_lock"),
      () => bitSpinUnlock(memory, scratch, 1),
    );
  },

  // More tasks than CPUs: who waits for the mutex lets another task have its CPU.
  mutex: (thread) => {
    const { memory, scratch } = thread;
    memory.enterCpu(-1);
    for (let i = 0; i < thread.argument; i++) {
      mutexLock(memory, scratch + LOCK);
      memory.write32(scratch + COUNTER, memory.read32(scratch + COUNTER) + 1);
      // Every now and then the holder gives its CPU away in the middle.
      if (i % 64 === 0) {
        memory.leaveCpu();
        memory.enterCpu(-1);
      }
      mutexUnlock(memory, scratch + LOCK);
      memory.poll();
    }
    memory.leaveCpu();
  },
};

serveJobs(jobs, TorturedMemory);
