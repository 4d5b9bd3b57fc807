/** @devteks/node-atomics: a mutex, a semaphore, a wait group and integers with a lock. */
import type { BuffersProgram } from "../../src/explore/index.ts";
import { installed } from "./installed.ts";

interface Lock {
  lock(): void;
  unlock(): void;
}
interface NodeAtomics {
  readonly Mutex: new (buffer: SharedArrayBuffer) => Lock;
  readonly Semaphore: new (buffer: SharedArrayBuffer) => { acquire(): void; signal(): void };
  readonly WaitGroup: new (buffer: SharedArrayBuffer) => { done(): void; wait(): void };
  readonly AtomicInt32: new (buffer: SharedArrayBuffer) => { increment(): number; value: number };
}

const { Mutex, Semaphore, WaitGroup, AtomicInt32 } = await installed<NodeAtomics>(
  "@devteks/node-atomics/dist/index.mjs",
);

type OverLock = BuffersProgram<{ lock: number; data: number }>;
type Shared = Readonly<Record<"lock" | "data", SharedArrayBuffer>>;

const adds = (data: SharedArrayBuffer): void => {
  const sum = new Int32Array(data);
  sum[0] = (sum[0] as number) + 1;
};
const check: OverLock["check"] = ({ data }, results) => {
  const [sum] = new Int32Array(data);
  const tasks = Object.keys(results).length;
  if (sum !== tasks) throw new Error(`${tasks} additions give ${sum}`);
};

const locks = ({ lock, data }: Shared): void => {
  const mutex = new Mutex(lock);
  mutex.lock();
  adds(data);
  mutex.unlock();
};

export const mutex: OverLock = {
  name: "node-atomics/mutex",
  buffers: { lock: 4, data: 4 },
  tasks: { one: locks, two: locks, three: locks },
  check,
};

const acquires = ({ lock, data }: Shared): void => {
  const semaphore = new Semaphore(lock);
  semaphore.acquire();
  adds(data);
  semaphore.signal();
};

export const semaphore: OverLock = {
  name: "node-atomics/semaphore-of-one",
  buffers: { lock: 4, data: 4 },
  tasks: { one: acquires, two: acquires },
  check,
};

export const waitGroup: BuffersProgram<{ group: number; data: number }> = {
  name: "node-atomics/wait-group",
  buffers: { group: 4, data: 4 },
  init: ({ group }) => {
    new Int32Array(group)[0] = 2;
  },
  tasks: {
    one: ({ group, data }) => {
      Atomics.add(new Int32Array(data), 0, 1);
      new WaitGroup(group).done();
    },
    two: ({ group, data }) => {
      Atomics.add(new Int32Array(data), 0, 1);
      new WaitGroup(group).done();
    },
    waits: ({ group, data }) => {
      new WaitGroup(group).wait();
      return Atomics.load(new Int32Array(data), 0);
    },
  },
  check: (_, { waits }) => {
    if (waits !== 2) throw new Error(`waited for 2, and ${waits} were done`);
  },
};

export const integer: BuffersProgram<{ integer: number }> = {
  name: "node-atomics/integer",
  buffers: { integer: 8 },
  tasks: {
    one: ({ integer }) => new AtomicInt32(integer).increment(),
    two: ({ integer }) => new AtomicInt32(integer).increment(),
  },
  check: (_, { one, two }) => {
    if (`${one}${two}` !== "12" && `${one}${two}` !== "21") throw new Error(`${one} and ${two}`);
  },
};
