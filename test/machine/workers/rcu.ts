/** Readers, waiters and callbacks on real threads: see rcu.test.ts. */
import { serveJobs, type Thread } from "./thread.ts";

/** Set by the reader once it runs as its CPU, which it keeps from then on. */
const READING = 0;
/** The version that readers look at, and the one that has been given up. */
const VERSION = 256;
const RETIRED = 320;
const STOP = 1020;
/** Heads of the callbacks, eight bytes each. */
const HEADS = 2048;
const FREED = 384;

function untilStopped(thread: Thread, act: () => void): number {
  const { memory, scratch } = thread;
  let rounds = 0;
  while (memory.loadAcquire(scratch + STOP) === 0) {
    act();
    memory.poll();
    rounds++;
  }
  return rounds;
}

/** Counts a version as retired; in every thread, since callbacks of an idle CPU may run anywhere. */
function registerRetire({ machine, memory, scratch }: Thread): number {
  return machine.functions.register((head) => {
    const retired = memory.add(scratch + RETIRED, 1) + 1;
    // Callbacks of one CPU run in the order in which they were queued.
    if (head !== scratch + HEADS + (retired % 64) * 8) throw new Error("out of order");
  });
}

/** Publishes the first version when the reader is there to read it. */
function begin(thread: Thread): void {
  thread.memory.storeRelease(thread.scratch + VERSION, 1);
  thread.waitUntil(thread.scratch + READING, (value) => value !== 0);
  thread.memory.enterCpu(thread.index);
}

serveJobs({
  // While a reader holds a version, nobody may retire it.
  read: (thread) => {
    const { memory, machine, scratch } = thread;
    registerRetire(thread);
    thread.waitUntil(scratch + VERSION, (value) => value !== 0);
    memory.enterCpu(thread.index);
    thread.say(scratch + READING, 1);
    const rounds = untilStopped(thread, () => {
      machine.rcu.readLock();
      const version = memory.loadAcquire(scratch + VERSION);
      for (let i = 0; i < 50; i++) {
        if (memory.loadAcquire(scratch + RETIRED) >= version) {
          throw new Error(`version ${version} was retired under a reader`);
        }
      }
      machine.rcu.readUnlock();
    });
    memory.leaveCpu();
    return rounds;
  },
  // Publishes a new version, waits until nobody reads the old one, and retires that.
  replace: (thread) => {
    const { memory, machine, scratch } = thread;
    begin(thread);
    for (let version = 1; version <= thread.argument; version++) {
      memory.storeRelease(scratch + VERSION, version + 1);
      machine.rcu.synchronize();
      memory.storeRelease(scratch + RETIRED, version);
    }
    thread.say(scratch + STOP, 1);
    memory.leaveCpu();
  },
  // The same without waiting: readers must notice.
  replaceTooEarly: (thread) => {
    const { memory, scratch } = thread;
    begin(thread);
    for (let version = 1; memory.loadAcquire(scratch + STOP) === 0; version++) {
      memory.storeRelease(scratch + VERSION, version + 1);
      memory.storeRelease(scratch + RETIRED, version);
    }
  },
  // The same by callbacks, and a barrier at the end.
  replaceByCallbacks: (thread) => {
    const { memory, machine, scratch } = thread;
    const retire = registerRetire(thread);
    begin(thread);
    for (let version = 1; version <= thread.argument; version++) {
      memory.storeRelease(scratch + VERSION, version + 1);
      machine.rcu.call(scratch + HEADS + (version % 64) * 8, retire);
      memory.poll();
      // As many heads as there are: the oldest must have come back before it is used again.
      if (version % 60 === 0) machine.rcu.barrier();
    }
    machine.rcu.barrier();
    thread.say(scratch + STOP, 1);
    memory.leaveCpu();
    return memory.read32(scratch + RETIRED);
  },

  // Both queue and wait, on fewer CPUs than tasks, so that CPUs fall idle with callbacks left.
  queueAndWait: (thread) => {
    const { memory, machine, scratch } = thread;
    const free = machine.functions.register(() => {
      memory.add(scratch + FREED, 1);
    });
    thread.meet();
    for (let i = 0; i < thread.argument; i++) {
      memory.enterCpu(-1);
      machine.rcu.call(scratch + HEADS + thread.index * 8, free);
      if (i % 2 === 0) memory.poll();
      if (i % 3 === 0) machine.rcu.synchronize();
      machine.rcu.barrier();
      memory.leaveCpu();
    }
  },
});
