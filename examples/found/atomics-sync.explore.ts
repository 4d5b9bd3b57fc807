/** atomics-sync: a mutex, a condition variable, a semaphore, a barrier and a once. */
import type { BuffersProgram } from "../../src/explore/index.ts";
import { loadedByTask } from "./installed.ts";

interface AtomicsSync {
  readonly Mutex: {
    lock(mutex: Int32Array, thread: number): void;
    unlock(mutex: Int32Array, thread: number): void;
  };
  readonly Condition: {
    wait(condition: Int32Array, mutex: Int32Array, thread: number): void;
    signal(condition: Int32Array): void;
  };
  readonly Semaphore: { wait(semaphore: Int32Array): void; post(semaphore: Int32Array): void };
  readonly Barrier: { wait(barrier: object, thread: number): boolean };
  readonly Once: { execute(once: Int32Array, first: () => void): void };
}

const load = loadedByTask<AtomicsSync>("atomics-sync/dist/atomics-sync.cjs.js");

type OverMutex = BuffersProgram<{ readonly mutex: number; readonly data: number }>;

const adds =
  (thread: number) =>
  ({ mutex, data }: { mutex: SharedArrayBuffer; data: SharedArrayBuffer }) => {
    const { Mutex } = load();
    const lock = new Int32Array(mutex);
    const sum = new Int32Array(data);
    Mutex.lock(lock, thread);
    sum[0] = (sum[0] as number) + 1;
    Mutex.unlock(lock, thread);
  };

export const mutex: OverMutex = {
  name: "atomics-sync/mutex",
  buffers: { mutex: 8, data: 4 },
  tasks: { one: adds(1), two: adds(2), three: adds(3) },
  check: ({ data }) => {
    const [sum] = new Int32Array(data);
    if (sum !== 3) throw new Error(`3 additions give ${sum}`);
  },
};

/** As in its README: a thread waits for a change of a variable that the mutex protects. */
export const condition: BuffersProgram<{ mutex: number; condition: number; data: number }> = {
  name: "atomics-sync/condition",
  buffers: { mutex: 8, condition: 4, data: 4 },
  tasks: {
    waits: (shared) => {
      const { Mutex, Condition } = load();
      const mutex = new Int32Array(shared.mutex);
      const data = new Int32Array(shared.data);
      Mutex.lock(mutex, 1);
      while (data[0] === 0) Condition.wait(new Int32Array(shared.condition), mutex, 1);
      Mutex.unlock(mutex, 1);
    },
    signals: (shared) => {
      const { Mutex, Condition } = load();
      const mutex = new Int32Array(shared.mutex);
      Mutex.lock(mutex, 2);
      new Int32Array(shared.data)[0] = 1;
      Condition.signal(new Int32Array(shared.condition));
      Mutex.unlock(mutex, 2);
    },
  },
};

const waits = ({ semaphore }: { semaphore: SharedArrayBuffer }) =>
  load().Semaphore.wait(new Int32Array(semaphore));
const posts = ({ semaphore }: { semaphore: SharedArrayBuffer }) =>
  load().Semaphore.post(new Int32Array(semaphore));

/** As many posts as waits. */
export const semaphore: BuffersProgram<{ semaphore: number }> = {
  name: "atomics-sync/semaphore",
  buffers: { semaphore: 4 },
  tasks: { one: waits, two: waits, posts: [posts, posts] },
};

export const oneWaits: BuffersProgram<{ semaphore: number }> = {
  name: "atomics-sync/semaphore-one-waits",
  buffers: { semaphore: 4 },
  tasks: { waits: [waits, waits], posts: [posts, posts] },
};

const passes =
  (thread: number) =>
  (shared: Readonly<Record<"barrier" | "mutex" | "condition", SharedArrayBuffer>>) =>
    load().Barrier.wait(
      {
        barrier: new BigInt64Array(shared.barrier),
        mutex: new Int32Array(shared.mutex),
        cond: new Int32Array(shared.condition),
      },
      thread,
    );

export const barrier: BuffersProgram<{ barrier: number; mutex: number; condition: number }> = {
  name: "atomics-sync/barrier",
  buffers: { barrier: 24, mutex: 8, condition: 4 },
  init: ({ barrier }) => {
    new BigInt64Array(barrier)[0] = 2n;
  },
  tasks: { one: passes(1), two: passes(2) },
};
