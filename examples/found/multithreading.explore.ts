/** multithreading: its blocking locks, over buffers of ours. */
import type { BuffersProgram } from "../../src/explore/index.ts";
import { installed } from "./installed.ts";

interface Guard {
  dispose(): void;
}

interface Sync {
  readonly Mutex: new (data: undefined, lock: SharedArrayBuffer) => { blockingLock(): Guard };
  readonly Condvar: new (
    buffer: SharedArrayBuffer,
  ) => { blockingWait(guard: Guard): void; notifyOne(): void; notifyAll(): void };
  readonly RwLock: new (
    data: undefined,
    state: SharedArrayBuffer,
  ) => { blockingRead(): Guard; blockingWrite(): Guard };
  readonly Semaphore: new (
    count: number,
    buffer: SharedArrayBuffer,
  ) => { blockingAcquire(amount?: number): Guard };
  readonly Barrier: new (
    parties: undefined,
    buffer: SharedArrayBuffer,
  ) => { blockingWait(): { readonly isLeader: boolean } };
}

const { Mutex, Condvar, RwLock, Semaphore, Barrier } = await installed<Sync>(
  "multithreading/src/lib/sync/mod.js",
);

type Program<Name extends string> = BuffersProgram<Readonly<Record<Name, number>>>;
type Shared<Name extends string> = Readonly<Record<Name, SharedArrayBuffer>>;

const increment = (data: SharedArrayBuffer): void => {
  const words = new Int32Array(data);
  words[0] = (words[0] ?? 0) + 1;
};

const expectCount =
  (count: number) =>
  ({ data }: Shared<"data">): void => {
    const found = new Int32Array(data)[0];
    if (found !== count) throw new Error(`${count} increments give ${found}`);
  };

const underMutex = ({ lock, data }: Shared<"lock" | "data">): void => {
  const guard = new Mutex(undefined, lock).blockingLock();
  increment(data);
  guard.dispose();
};

export const mutex: Program<"lock" | "data"> = {
  name: "multithreading/mutex",
  buffers: { lock: 4, data: 4 },
  tasks: { one: underMutex, two: underMutex, three: underMutex },
  check: expectCount(3),
};

const put = ({ lock, condition, data }: Shared<"lock" | "condition" | "data">): void => {
  const guard = new Mutex(undefined, lock).blockingLock();
  increment(data);
  guard.dispose();
  new Condvar(condition).notifyOne();
};

const take = ({ lock, condition, data }: Shared<"lock" | "condition" | "data">): void => {
  const guard = new Mutex(undefined, lock).blockingLock();
  const words = new Int32Array(data);
  while (words[0] === 0) new Condvar(condition).blockingWait(guard);
  words[0] = (words[0] ?? 0) - 1;
  guard.dispose();
};

export const condvar: Program<"lock" | "condition" | "data"> = {
  name: "multithreading/condvar",
  buffers: { lock: 4, condition: 4, data: 4 },
  tasks: { taker: take, "other taker": take, putter: [put, put] },
  check: expectCount(0),
};

const write = ({ state, data }: Shared<"state" | "data">): void => {
  const guard = new RwLock(undefined, state).blockingWrite();
  increment(data);
  guard.dispose();
};

const read = ({ state, data }: Shared<"state" | "data">): boolean => {
  const guard = new RwLock(undefined, state).blockingRead();
  const words = new Int32Array(data);
  const first = words[0];
  const second = words[0];
  guard.dispose();
  return first === second;
};

export const rwLock: Program<"state" | "data"> = {
  name: "multithreading/rw-lock",
  buffers: { state: 4, data: 4 },
  tasks: { writer: write, "other writer": write, reader: read },
  check: (shared, { reader }) => {
    expectCount(2)(shared);
    if (reader !== true) throw new Error("a reader saw a write in the middle");
  },
};

const amountTaker =
  (amount: number) =>
  ({ state }: Shared<"state">): void => {
    new Semaphore(0, state).blockingAcquire(amount).dispose();
  };

const permits = ({ state }: Shared<"state">, count: number): void => {
  new Int32Array(state)[0] = count;
};

export const semaphore: Program<"state"> = {
  name: "multithreading/semaphore",
  buffers: { state: 8 },
  init: (shared) => permits(shared, 1),
  tasks: { one: amountTaker(1), two: amountTaker(1), three: amountTaker(1) },
};

export const semaphoreOfTwo: Program<"state"> = {
  name: "multithreading/semaphore-of-two",
  buffers: { state: 8 },
  init: (shared) => permits(shared, 2),
  tasks: { one: amountTaker(1), two: amountTaker(2), three: amountTaker(1) },
};

const arrive = ({ state }: Shared<"state">): boolean =>
  new Barrier(undefined, state).blockingWait().isLeader;

export const barrier: Program<"state"> = {
  name: "multithreading/barrier",
  buffers: { state: 16 },
  init: ({ state }) => {
    const words = new Int32Array(state);
    words[1] = 2;
    words[2] = 2;
  },
  tasks: { one: [arrive, arrive], two: [arrive, arrive] },
  check: (_shared, { one, two }) => {
    const leaders = [one, two].flat().filter(Boolean).length;
    if (leaders !== 2) throw new Error(`${leaders} leaders in 2 rounds`);
  },
};
