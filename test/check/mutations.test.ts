import { describe, expect, test } from "vitest";
import { SLAB_TYPESAFE_BY_RCU } from "../../src/caches/flags.ts";
import type { KmemCachePtr } from "../../src/caches/kmem-cache.ts";
import { auditEmpty } from "../../src/check/audit.ts";
import { onSlub } from "../../src/kernel/classes.ts";
import { EXHIBITS } from "../../src/museum/exhibits/index.ts";
import { type Mutation, mutations } from "../../src/museum/mutations/index.ts";
import { GFP_ATOMIC, GFP_KERNEL } from "../../src/pages/gfp.ts";
import { withSlabLock } from "../../src/slub/options/slab-lock.ts";
import { KmemCache } from "../../src/slub/structs.ts";
import { type Scenario, sweep } from "./sweep.ts";
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

const unchanged: Change = (classes) => classes;

function mutation(id: string): Mutation {
  const found = mutations.get(id);
  if (found === undefined) throw new RangeError(`no mutation ${id}`);
  return found;
}

/** No new slab can be had: what a CPU that drops its slab meets when memory is out. */
const withoutNewSlabs = (isDry: () => boolean): Change =>
  onSlub((classes) => ({
    SlabPages: class extends classes.SlabPages {
      override newSlab(s: KmemCachePtr, gfp: number, node: number): number {
        return isDry() ? 0 : super.newSlab(s, gfp, node);
      }
    },
  }));

const alloc = ({ kernel }: Watched, s: KmemCachePtr): number =>
  kernel.kmemCacheAlloc(s, GFP_ATOMIC);

/** A cpu slab with four free objects. */
function freshSlab(system: Watched, s: KmemCachePtr): void {
  give(system, take(system, s, 1));
}

let dry = false;

const scenarios: Record<string, Scenario> = {
  S01: {
    by: "interrupt",
    prepare: (system, s) => {
      freshSlab(system, s);
      return {
        act: () => alloc(system, s),
        cut: () => {
          const first = alloc(system, s);
          alloc(system, s);
          system.kernel.kfree(first);
        },
      };
    },
  },
  S02: {
    by: "interrupt",
    prepare: (system, s) => {
      freshSlab(system, s);
      return {
        act: () => alloc(system, s),
        // Eight operations; the same object heads the list after them, and the next two are taken.
        cut: () => {
          let first = alloc(system, s);
          alloc(system, s);
          alloc(system, s);
          system.kernel.kfree(first);
          for (let i = 0; i < 2; i++) {
            first = alloc(system, s);
            system.kernel.kfree(first);
          }
        },
      };
    },
  },
  S03: {
    by: "interrupt",
    prepare: (system, s) => {
      const [object = 0] = take(system, s, OBJECTS);
      return { act: () => system.kernel.kfree(object), cut: () => alloc(system, s) };
    },
  },
  S04: {
    by: "migration",
    prepare: (system, s) => {
      take(system, s, OBJECTS, 0);
      const [object = 0] = take(system, s, OBJECTS, 1);
      return { act: () => system.kernel.kfree(object), cut: () => undefined };
    },
  },
  R01: {
    by: "interrupt",
    change: withoutNewSlabs(() => dry),
    prepare: (system, s) => {
      const [object = 0] = take(system, s, OBJECTS);
      return {
        act: () => system.kernel.kfree(object),
        cut: () => {
          dry = true;
          alloc(system, s);
          dry = false;
        },
      };
    },
  },
  R04: {
    by: "interrupt",
    prepare: (system, s) => {
      const [object = 0] = take(system, s, OBJECTS);
      return { act: () => alloc(system, s), cut: () => system.kernel.kfree(object) };
    },
  },
  R05: {
    by: "interrupt",
    prepare: (system, s) => {
      freshSlab(system, s);
      const { kernel, slub } = system;
      return {
        act: () => kernel.kmemCacheAllocNode(s, GFP_KERNEL, 0),
        cut: () => slub.front.flushThisCpu(s),
      };
    },
  },
  R08: {
    by: "interrupt",
    prepare: (system, s) => {
      const objects = take(system, s, 3 * OBJECTS);
      return {
        act: () => system.kernel.kfree(objects[0] as number),
        cut: () => system.kernel.kfree(objects[OBJECTS] as number),
      };
    },
  },
  R09: {
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
  R10: {
    by: "interrupt",
    prepare: (system, s) => ({
      act: () => system.kernel.kmemCacheAlloc(s, GFP_KERNEL),
      cut: () => alloc(system, s),
    }),
  },
  R11: {
    by: "interrupt",
    prepare: (system, s) => {
      system.memory.write32(s + KmemCache.cpuPartial, 1);
      const objects = take(system, s, 6 * OBJECTS);
      give(
        system,
        [0, 1].map((slab) => objects[slab * OBJECTS] as number),
      );
      return {
        act: () => system.kernel.kfree(objects[3 * OBJECTS] as number),
        cut: () => system.kernel.kfree(objects[4 * OBJECTS] as number),
      };
    },
  },
  R17: {
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
  R18: {
    by: "interrupt",
    change: onSlub(withSlabLock),
    prepare: (system, s) => {
      const objects = take(system, s, 2 * OBJECTS);
      return {
        act: () => system.kernel.kfree(objects[0] as number),
        cut: () => system.kernel.kfree(objects[1] as number),
      };
    },
  },
  S09: {
    by: "CPU 1",
    prepare: (system, s) => {
      system.memory.write32(s + KmemCache.minPartial, 0);
      const objects = take(system, s, 2 * OBJECTS);
      give(system, objects.slice(1, OBJECTS));
      return {
        act: () => system.slub.front.flushAll(s),
        cut: () => system.kernel.kfree(objects[0] as number),
      };
    },
  },
  S11: {
    by: "CPU 1",
    prepare: (system, s) => {
      const objects = take(system, s, 2 * OBJECTS);
      return {
        act: () => system.kernel.kfree(objects[0] as number),
        cut: () => system.kernel.kfree(objects[1] as number),
      };
    },
  },
  S12: {
    by: "CPU 1",
    prepare: (system, s) => {
      const [object = 0] = take(system, s, OBJECTS, 1);
      return { act: () => system.kernel.kfree(object), cut: () => alloc(system, s) };
    },
  },
  S18: {
    by: "CPU 1",
    prepare: (system, s) => {
      freshSlab(system, s);
      return { act: () => alloc(system, s), cut: () => system.slub.front.flushAll(s) };
    },
  },
};
scenarios.S15 = scenarios.R08 as Scenario;

describe("cut by another context, in every place", () => {
  test.each(Object.entries(scenarios))(
    "%s is caught, and the allocator as it is stays clean",
    (id, scenario) => {
      const { change, expect: expected } = mutation(id);
      const also = scenario.change ?? unchanged;
      expect([...sweep(scenario, also)]).toEqual([]);
      const caught = [...sweep(scenario, (classes) => change(also(classes)))];
      expect(caught.length).toBeGreaterThan(0);
      expect(expected).toEqual(expect.arrayContaining(caught));
    },
  );

  test.each([
    ["R03", "S03"],
    ["R03", "S04"],
    ["R12", "R09"],
  ])("%s alone shows nothing, where %s shows itself", (id, other) => {
    const { change, expect: expected } = mutation(id);
    expect(expected).toEqual([]);
    expect([...sweep(scenarios[other] as Scenario, change)]).toEqual([]);
  });
});

/** Without any other context. Returns the failure class that shows, or "none". */
const alone: Record<string, (change: Change) => string> = {
  R20: (change) => {
    const { system, s, objects } = fullSlabs(change);
    system.memory.write32(s + KmemCache.minPartial, 0);
    give(system, objects.slice(0, OBJECTS));
    return failureOf(() => system.kernel.kmemCacheShrink(s));
  },
  R21: (change) => {
    const { system, s, objects } = fullSlabs(change);
    // CPU 1 has a partial list and no slab.
    give(system, objects, 1);
    system.kernel.kmemCacheShrink(s);
    return auditEmpty(system.kernel, s)[0]?.failure ?? "none";
  },
  R36: (change) => {
    const system = watched({}, change);
    const { kernel } = system;
    const s = kernel.kmemCacheCreate("typesafe", 1024, { flags: SLAB_TYPESAFE_BY_RCU });
    return failureOf(() => {
      kernel.run(() => {
        kernel.kfree(kernel.kmemCacheAlloc(s));
        kernel.kmemCacheDestroy(s);
      });
      kernel.run(() => kernel.machine.rcu.barrier());
    });
  },
  R39: (change) => watched({}, change).failures()[0] ?? "none",
  R40: (change) => {
    const { system, s, objects } = fullSlabs(change);
    system.memory.write32(s + KmemCache.minPartial, 0);
    system.memory.write32(s + KmemCache.cpuPartial, 0);
    system.kernel.kmemCacheShrink(s);
    give(system, objects);
    return auditEmpty(system.kernel, s)[0]?.failure ?? "none";
  },
  R40b: (change) => {
    const { system, s, objects } = fullSlabs(change);
    system.memory.write32(s + KmemCache.minPartial, 0);
    give(system, objects);
    system.slub.front.flushAll(s);
    return auditEmpty(system.kernel, s)[0]?.failure ?? "none";
  },
  S16: (change) => {
    const { system, s, objects } = fullSlabs(change);
    system.memory.write32(s + KmemCache.minPartial, 0);
    give(system, objects.slice(1));
    system.slub.front.flushAll(s);
    give(system, objects.slice(0, 1));
    return system.failures()[0] ?? "none";
  },
};
alone.R21b = alone.R21 as (change: Change) => string;

/** Two slabs whose objects are all in use, and the second is CPU 0's. */
function fullSlabs(change: Change): { system: Watched; s: KmemCachePtr; objects: number[] } {
  const system = watched({}, change);
  const s = cacheOfFour(system);
  return { system, s, objects: take(system, s, 2 * OBJECTS) };
}

describe("by itself", () => {
  test.each(Object.entries(alone))(
    "%s is caught, and the allocator as it is stays clean",
    (id, run) => {
      const { change, expect: expected } = mutation(id);
      expect(run(unchanged)).toBe("none");
      expect(expected).toContain(run(change));
    },
  );
});

describe("what is not shown here", () => {
  const shown = new Set([...Object.keys(scenarios), ...Object.keys(alone), "R03", "R12"]);
  /** What test/museum/prove.test.ts searches, exhibit by exhibit, and must see fail. */
  const proven = EXHIBITS.filter(({ class: failure }) => failure !== null);
  const left = [...mutations.keys()].filter((id) => !shown.has(id));
  const ofSlab = (id: string): boolean =>
    proven.some((one) => one.mutation?.id === id && one.scenario.machine.allocator === "slab");

  test("is of SLAB, or needs two contexts both cut (R02), a validation beside a free (R22), a CPU that goes (S17)", () => {
    expect(left.filter((id) => !ofSlab(id)).sort()).toEqual(["R02", "R22", "S17"]);
  });

  test.each(left)("%s is proven in the museum, by a failure that it is expected to show", (id) => {
    const failures = proven.filter(({ mutation }) => mutation?.id === id).map((one) => one.class);
    expect(failures).not.toEqual([]);
    expect(mutation(id).expect).toEqual(expect.arrayContaining(failures));
  });
});
