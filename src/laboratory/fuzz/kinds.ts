// SPDX-License-Identifier: GPL-2.0-only
/**
 * What a context of a generated program may do: kinds of one or a few operations, each built from the
 * verbs of scenarios. A kind takes the objects that it frees from those dealt to its context, so that
 * no program frees an object twice.
 */
import type { Step } from "../steps.ts";
import * as steps from "../steps.ts";
import type { Habitat } from "./habitat.ts";

/** What the program has for a context: objects of set-up that are its own, and unused names. */
export interface Hand {
  /** The next own object; undefined: there is none left. */
  object(): string | undefined;
  /** Two own objects that are neighbours, as one reference. */
  pair(): string | undefined;
  /** An object that another context may free, or nobody. */
  other(): string | undefined;
  /** A name that nothing has yet. */
  name(): string;
}

export interface Kind {
  readonly name: string;
  /** It may wait for others, so no interrupt can do it. */
  readonly sleeps: boolean;
  /** It takes objects of set-up from its hand. */
  readonly takes: boolean;
  /** It takes CPU 2 away, on which then no context may be. */
  readonly takesCpu: boolean;
  /** How often it is drawn among the others; from 2 on it belongs to the matrix. */
  readonly weight: number;
  /** Its operations; undefined: not possible with this hand. */
  operations(hand: Hand): readonly (readonly Step[])[] | undefined;
}

type Operations = Kind["operations"];

const kind = (name: string, weight: number, operations: Operations): Kind => ({
  name,
  weight,
  operations,
  sleeps: false,
  takes: false,
  takesCpu: false,
});

const taking = (name: string, weight: number, operations: Operations): Kind => ({
  ...kind(name, weight, operations),
  takes: true,
});

const sleeping = (name: string, weight: number, operations: Operations): Kind => ({
  ...kind(name, weight, operations),
  sleeps: true,
});

const step =
  (make: () => Step): Operations =>
  () => [[make()]];

/** Own objects, up to `most`. */
function objects(hand: Hand, most: number): string[] {
  const found: string[] = [];
  for (let object = hand.object(); object !== undefined; object = hand.object()) {
    found.push(object);
    if (found.length === most) break;
  }
  return found;
}

const ALL = 64;

/** What every allocator can do. */
const COMMON: readonly Kind[] = [
  taking("free one", 4, (hand) => {
    const object = hand.object();
    return object === undefined ? undefined : [[steps.free(object)]];
  }),
  taking("free three", 3, (hand) => {
    const own = objects(hand, 3);
    return own.length === 0 ? undefined : own.map((object) => [steps.free(object)]);
  }),
  taking("free all", 2, (hand) => {
    const own = objects(hand, ALL);
    return own.length === 0 ? undefined : [own.map((object) => steps.free(object))];
  }),
  taking("free in bulk", 2, (hand) => {
    const pair = hand.pair();
    return pair === undefined ? undefined : [[steps.bulkFree(pair)]];
  }),
  kind("alloc one", 4, (hand) => [[steps.alloc(hand.name())]]),
  kind("alloc five", 3, (hand) => [[steps.alloc(hand.name(), 5)]]),
  kind("alloc and free", 3, (hand) => {
    const name = hand.name();
    return [[steps.alloc(name)], [steps.free(name)]];
  }),
  // The head of a list is then what it was before, with other objects behind it.
  kind("alloc two, free the first", 3, (hand) => {
    const name = hand.name();
    return [[steps.alloc(name, 2)], [steps.free(`${name}.0`)]];
  }),
  kind("alloc in bulk", 2, (hand) => [[steps.bulkAlloc(hand.name(), 6)]]),
  kind("bulk there and back", 2, (hand) => {
    const name = hand.name();
    return [[steps.bulkAlloc(name, 3)], [steps.bulkFree(name)]];
  }),
  sleeping("flush", 3, step(steps.flush)),
  sleeping("shrink", 3, step(steps.shrink)),
  taking("kfree-rcu", 2, (hand) => {
    const object = hand.object();
    return object === undefined ? undefined : [[steps.kfreeRcu(object)]];
  }),
  {
    ...taking("kfree-rcu and wait", 2, (hand) => {
      const object = hand.object();
      return object === undefined ? undefined : [[steps.kfreeRcu(object)], [steps.rcuBarrier()]];
    }),
    sleeps: true,
  },
  taking("free and take", 3, (hand) => {
    const object = hand.object();
    return object === undefined ? undefined : [[steps.free(object)], [steps.alloc(hand.name())]];
  }),
  sleeping("make a cache", 2, (hand) => {
    const cache = hand.name();
    return [[steps.create(cache, 1024)], [steps.destroy(cache)]];
  }),
  kind("kmalloc", 1, (hand) => {
    const [one, other] = [hand.name(), hand.name()];
    return [[steps.kmalloc(one, 1000)], [steps.krealloc(one, other, 2000)], [steps.free(other)]];
  }),
  kind("pages", 1, (hand) => {
    const name = hand.name();
    return [[steps.pages(name, 2)], [steps.freePages(name)]];
  }),
  kind("hand and take", 1, (hand) => {
    const [given, taken] = [hand.name(), hand.name()];
    return [[steps.alloc(given)], [steps.hand(given)], [steps.take(taken)], [steps.free(taken)]];
  }),
  kind("pages fail", 1, (hand) => [[steps.failPage(1)], [steps.alloc(hand.name(), 5)]]),
  kind("pages fail in bulk", 1, (hand) => [[steps.failPage(2)], [steps.bulkAlloc(hand.name(), 9)]]),
  kind("objects fail", 1, (hand) => [[steps.failSlab(2)], [steps.alloc(hand.name(), 3)]]),
  kind("alloc zeroed", 2, (hand) => [[steps.alloc(hand.name(), 5, -1, "zero")]]),
];

const READ = ["objects", "slabs", "slabs_cpu_partial", "total_objects"];
/** Not `order`, whose change is a race until 5.9 forbids it: exhibit R44. */
const WRITTEN = [
  ["cpu_partial", "0"],
  ["cpu_partial", "2"],
  ["min_partial", "0"],
  ["validate", "1"],
  ["shrink", "1"],
] as const;

/** The kinds that this allocator, on this machine, has. */
export function kindsOf({ machine, stepNames, attributes }: Habitat): readonly Kind[] {
  const { cpus = 1, nodes = 1, isTypesafe, survivesReports } = machine;
  const kinds = [...COMMON];
  if (stepNames.has("flush-cpu")) {
    // A kernel with sheaves has a work do it, which may not interrupt the owner of a sheaf lock.
    const sleeps = machine.sheafCapacity !== undefined;
    kinds.push({ ...kind("flush this CPU", 2, step(steps.flushCpu)), sleeps });
  }
  if (stepNames.has("keep-none")) kinds.push(sleeping("keep none", 1, step(steps.keepNone)));
  if (stepNames.has("reap")) {
    kinds.push(sleeping("reap", 3, step(steps.reap)));
    kinds.push(
      sleeping(
        "tune",
        2,
        step(() => steps.tune(3, 2, 2)),
      ),
    );
  }
  for (const file of READ) {
    const isThere = attributes.get(file)?.show !== undefined;
    if (isThere)
      kinds.push(
        sleeping(
          `read ${file}`,
          1,
          step(() => steps.read(file)),
        ),
      );
  }
  for (const [file, value] of WRITTEN) {
    const isThere = attributes.get(file)?.store !== undefined;
    if (!isThere) continue;
    kinds.push(
      sleeping(
        `write ${file}`,
        1,
        step(() => steps.write(file, value)),
      ),
    );
  }
  if (cpus > 2) {
    const goes = { takesCpu: true };
    const comesBack = () => [[steps.cpuOffline(2)], [steps.cpuOnline(2)]];
    kinds.push({
      ...sleeping(
        "CPU 2 goes",
        6,
        step(() => steps.cpuOffline(2)),
      ),
      ...goes,
    });
    kinds.push({ ...sleeping("CPU 2 goes and comes", 3, comesBack), ...goes });
  }
  if (nodes > 1) {
    kinds.push(kind("alloc on node 1", 3, (hand) => [[steps.alloc(hand.name(), 2, 1)]]));
    const thisNode: Operations = (hand) => [[steps.alloc(hand.name(), 5, 1, "thisnode")]];
    kinds.push(kind("alloc on node 1 only", 2, thisNode));
    const away = () => [[steps.nodeOffline(1)], [steps.nodeOnline(1)]];
    kinds.push(sleeping("node 1 goes", 1, away));
  }
  if (survivesReports) {
    // An object stays, so the cache does, too.
    const destroy = taking("destroy in use", 3, (hand) =>
      hand.object() === undefined ? undefined : [[steps.destroy()]],
    );
    kinds.push({ ...destroy, sleeps: true });
  }
  // Slabs of a type-safe cache stay under a reader, and so do objects given to kfree_rcu.
  const look: Operations = (hand) => {
    const object = hand.other();
    return object === undefined ? undefined : [[steps.rcuLook(object)]];
  };
  kinds.push(kind("look under RCU", isTypesafe ? 6 : 1, look));
  return kinds;
}
