/**
 * A cross-check of the explorer, by other means: an operation is cut once, in every place, by another
 * operation that runs to its end. What so simple a search sees of three bugs must be what the museum
 * says of them, and it must see nothing in the allocator as it is.
 */
import { expect, test } from "vitest";
import type { KmemCachePtr } from "../../src/caches/kmem-cache.ts";
import { mutations } from "../../src/museum/mutations.ts";
import { GFP_ATOMIC } from "../../src/pages/gfp.ts";
import {
  type Change,
  cacheOfFour,
  failureOf,
  give,
  OBJECTS,
  take,
  type Watched,
  watched,
} from "./systems.ts";

/** Two operations on a prepared cache: `act`, by CPU 0, is cut once by `cut`. */
interface Cut {
  readonly act: () => void;
  readonly cut: () => void;
}

interface Scene {
  readonly by: "interrupt" | "CPU 1";
  readonly prepare: (system: Watched, s: KmemCachePtr) => Cut;
}

/** No operation here has more accesses. */
const LIMIT = 400;

/** All failure classes that show in any of the places in which `act` can be cut. */
function sweep({ by, prepare }: Scene, change: Change): string[] {
  const system = watched({}, change);
  const { kernel, memory } = system;
  const { act, cut } = prepare(system, cacheOfFour(system));
  const other = () => (by === "interrupt" ? memory.asInterrupt(cut) : memory.asCpu(1, cut));
  const failures = new Set<string>();
  kernel.run(() => {
    const restore = memory.snapshot();
    for (let access = 1, reached = true; reached && access < LIMIT; access++) {
      memory.plan(access, other);
      const failure = failureOf(act);
      reached = memory.accessed >= access;
      // A CPU that waits for a lock that the other holds is just not cut there.
      if (failure !== "none") {
        if (failure !== "deadlock" || by === "interrupt") failures.add(failure);
      } else if (memory.hasActed) {
        memory.forget();
        for (const found of system.failures()) failures.add(found);
      }
      restore();
    }
  }, 0);
  return [...failures];
}

const alloc = ({ kernel }: Watched, s: KmemCachePtr): number =>
  kernel.kmemCacheAlloc(s, GFP_ATOMIC);

const SCENES: readonly (readonly [id: string, Scene])[] = [
  [
    "R04",
    {
      by: "interrupt",
      prepare: (system, s) => {
        const [object = 0] = take(system, s, OBJECTS);
        return { act: () => alloc(system, s), cut: () => system.kernel.kfree(object) };
      },
    },
  ],
  [
    "R09",
    {
      by: "CPU 1",
      prepare: (system, s) => {
        const objects = take(system, s, 2 * OBJECTS);
        give(system, [objects[0] as number, objects[OBJECTS] as number]);
        system.kernel.kmemCacheShrink(s);
        return {
          act: () => alloc(system, s),
          cut: () => give(system, [objects[1] as number, objects[OBJECTS + 1] as number]),
        };
      },
    },
  ],
  [
    "R17",
    {
      by: "CPU 1",
      prepare: (system, s) => {
        const objects = take(system, s, 2 * OBJECTS);
        return {
          act: () => system.kernel.kfree(objects[0] as number),
          // The slab is frozen and full again: other counters, and the same empty freelist.
          cut: () => {
            system.kernel.kfree(objects[1] as number);
            alloc(system, s);
          },
        };
      },
    },
  ],
];

test.each(SCENES)(
  "a sweep of cuts shows %s, and nothing in the allocator as it is",
  (id, scene) => {
    const mutation = mutations.get(id);
    if (mutation === undefined) throw new RangeError(`no mutation ${id}`);
    expect(sweep(scene, (classes) => classes)).toEqual([]);
    const caught = sweep(scene, mutation.change);
    expect(caught).not.toEqual([]);
    expect(mutation.expect).toEqual(expect.arrayContaining(caught));
  },
);
