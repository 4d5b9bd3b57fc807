/** sharedmap: a hash map with a lock a line, filled and read by several threads. */
import type { BuffersProgram } from "../../src/explore/index.ts";
import { installed } from "./installed.ts";

interface Map {
  readonly storage: SharedArrayBuffer;
  readonly length: number;
  set(key: string, value: string): void;
  get(key: string): string | undefined;
  delete(key: string): void;
}

type Constructor = new (entries: number, key: number, value: number) => Map;

const { default: SharedMap } = await installed<{ readonly default: Constructor }>(
  "sharedmap/index.umd.js",
);

const ENTRIES = 4;
/** Keys and values have at most so many characters, less one. */
const ROOM = 4;

interface Shared {
  readonly storage: SharedArrayBuffer;
}

/** What a worker receives: arrays over the same storage, to which it gives the prototype again. */
function received({ storage }: Shared): Map {
  let at = 0;
  const next = <Array extends ArrayBufferView>(
    type: new (buffer: SharedArrayBuffer, at: number, length: number) => Array,
    length: number,
  ): Array => {
    const array = new type(storage, at, length);
    at += array.byteLength;
    return array;
  };
  const fields = {
    storage,
    meta: next(Uint32Array, 4),
    keysData: next(Uint16Array, ROOM * ENTRIES),
    valuesData: next(Uint16Array, ROOM * ENTRIES),
    chaining: next(Uint32Array, ENTRIES),
    linelocks: next(Int32Array, 1),
    maplock: next(Int32Array, 6),
    stats: { set: 0, delete: 0, collisions: 0, rechains: 0, get: 0, deadlock: 0 },
  };
  return Object.assign(Object.create(SharedMap.prototype), fields) as Map;
}

/** A map with these keys in it. */
function filled(...keys: readonly string[]): SharedArrayBuffer {
  const map = new SharedMap(ENTRIES, ROOM, ROOM);
  for (const key of keys) map.set(key, key);
  return map.storage;
}

const set = (key: string) => (shared: Shared) => {
  try {
    received(shared).set(key, key);
    return "set";
  } catch (thrown) {
    return `${thrown}`;
  }
};

const get = (key: string) => (shared: Shared) => received(shared).get(key);

type Program = BuffersProgram<{ readonly storage: SharedArrayBuffer }>;

const expectKeys =
  (...keys: readonly string[]) =>
  (shared: Shared): void => {
    const map = received(shared);
    const lost = keys.filter((key) => map.get(key) !== key);
    if (lost.length > 0) throw new Error(`${lost} are not in the map`);
    if (map.length !== keys.length) throw new Error(`${keys.length} keys, length ${map.length}`);
  };

export const sets: Program = {
  name: "sharedmap/sets",
  buffers: { storage: filled() },
  tasks: { one: set("a"), two: set("b") },
  check: expectKeys("a", "b"),
};

export const setAndGet: Program = {
  name: "sharedmap/set-and-get",
  buffers: { storage: filled("a") },
  tasks: { setter: set("b"), getter: get("a") },
  check: (shared, { getter }) => {
    expectKeys("a", "b")(shared);
    if (getter !== "a") throw new Error(`a is ${getter}`);
  },
};

export const setAndDelete: Program = {
  name: "sharedmap/set-and-delete",
  buffers: { storage: filled("a") },
  tasks: { setter: set("b"), deleter: (shared) => received(shared).delete("a") },
  check: expectKeys("b"),
};

/** Both keys belong to the last line, and one place is free: the other must be told that it is full. */
export const lastPlace: Program = {
  name: "sharedmap/last-place",
  buffers: { storage: filled("d", "a", "g") },
  tasks: { h: set("h"), j: set("j") },
  check: (shared) => {
    const { length } = received(shared);
    if (length !== ENTRIES) throw new Error(`length ${length}`);
  },
};
