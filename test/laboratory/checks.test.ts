import { expect, test } from "vitest";
import { KmemCacheBase } from "../../src/caches/kmem-cache.ts";
import { Belongings } from "../../src/check/belongings.ts";
import { explore } from "../../src/explore/explore.ts";
import { type Change, onAllocator, onSlub, onSlubLayer } from "../../src/kernel/classes.ts";
import { on, type SlabScenario, scenarioOf, task } from "../../src/laboratory/scenario.ts";
import {
  alloc,
  call,
  cpuOffline,
  flush,
  free,
  freePages,
  kfreeRcu,
  pages,
  rcuLook,
  type Step,
  write,
} from "../../src/laboratory/steps.ts";
import { GFP_KERNEL } from "../../src/pages/gfp.ts";
import type { Slub } from "../../src/slub/cpu-slab/slub.ts";

function failureOf(scenario: Omit<SlabScenario, "name" | "story">, change?: Change) {
  const named = { ...scenario, name: "check", story: "A check is seen to fail." };
  const search = { strategy: "bound", preemptions: 1, seconds: 30 } as const;
  return explore({ ...scenarioOf(named, change), search }).failure;
}

/** Slabs whose objects are all free. */
const slabsEmptied = {
  machine: { kernel: "7.1", sheafCapacity: 2 },
  setup: on(0, alloc("a", 36), free("a.0-31")),
} as const;

test("a min_partial that is lowered takes nothing off a node's list", () => {
  const contexts = [task("A", 0, write("min_partial", "0"))];
  expect(failureOf({ ...slabsEmptied, contexts })).toBeUndefined();
});

const fullSlabFreed = {
  machine: { cpuPartial: 0 },
  setup: on(0, alloc("a", 8)),
  contexts: [task("A", 0, free("a.0"))],
};

test("a cpu partial list is not longer than its limit", () => {
  const undrained = onSlub(({ CpuPartial }) => ({
    CpuPartial: class extends CpuPartial {
      protected override drain(): void {}
    },
  }));
  expect(failureOf(fullSlabFreed)).toBeUndefined();
  expect(failureOf(fullSlabFreed, undrained)).toMatchObject({
    class: "leaked-page",
    message: expect.stringContaining("more than its limit of 0 objects"),
  });
});

test("each object that is taken back is counted", () => {
  const scenario = {
    machine: {},
    setup: on(0, alloc("a", 2)),
    contexts: [task("A", 0, free("a.0"))],
  };
  const uncounted = onAllocator(
    (Base) =>
      class extends (Base as unknown as typeof Slub) {
        protected override fastFrees(): number {
          return 0;
        }
      } as unknown as typeof Base,
  );
  expect(failureOf(scenario)).toBeUndefined();
  expect(failureOf(scenario, uncounted)?.message).toContain(
    "objects handed out, taken back or in use: 2 and 1",
  );
});

test("a node keeps no more empty slabs than min_partial", () => {
  const scenario = {
    machine: { minPartial: 0 },
    setup: on(0, alloc("a", 12), free("a"), flush()),
    contexts: [task("A", 0, alloc("x"))],
  };
  const hoarding = onSlubLayer(({ NodePartial }) => ({
    NodePartial: class extends NodePartial {
      override hasEnough(s: number, n: number): boolean {
        return this.nrPartial(n) > 1 && super.hasEnough(s, n);
      }
    },
  }));
  expect(failureOf(scenario)).toBeUndefined();
  expect(failureOf(scenario, hoarding)?.message).toContain("more than min_partial, 0");
});

test("an object that is asked of a node comes from there while there is memory", () => {
  const scenario = {
    machine: { cpus: 2, nodes: 2 },
    setup: on(0, alloc("a", 1)),
    contexts: [task("A", 0, alloc("x", 1, 1))],
  };
  const anyNode = onAllocator(
    (Base) =>
      class extends (Base as unknown as typeof Slub) {
        protected override nodeMatch(page: number): boolean {
          return page !== 0;
        }
      } as unknown as typeof Base,
  );
  expect(failureOf(scenario)).toBeUndefined();
  expect(failureOf(scenario, anyNode)?.message).toContain("is of node 0, not of node 1");
});

test("a destroyed cache leaves nothing of its own behind", () => {
  const forgetsName = call("destroy a cache and forget its name", ({ system, ledger, memory }) => {
    const cache = system.kmemCacheCreate("forgetful", 64);
    const belongings = new Belongings(system, ledger, cache);
    const other = system.kmalloc(16, GFP_KERNEL);
    memory.fill(other, 0, 16);
    memory.write32(cache + KmemCacheBase.name, other);
    system.kmemCacheDestroy(cache);
    belongings.checkGone();
    return undefined;
  });
  const failure = failureOf({ machine: {}, setup: [], contexts: [task("A", 0, forgetsName)] });
  expect(failure?.message).toMatch(/^forgetful is destroyed, but its name .* is still allocated/);
});

test("an object that readers may see is not handed out again", () => {
  const atOnce = call("free at once what readers may see", ({ system, retired }, names) => {
    for (const object of names("a.0")) {
      retired?.hand(object);
      system.kfree(object);
    }
    return undefined;
  });
  const failure = failureOf({
    machine: { cpus: 2 },
    setup: on(0, alloc("a", 2)),
    contexts: [task("A", 0, atOnce, alloc("x"), kfreeRcu("a.1")), task("B", 1, rcuLook("a.0"))],
  });
  expect(failure?.message).toContain("is handed out again under its reader");
});

test("an access to a page that was given back is refused, in a list of the CPU and in a large block", () => {
  const touches = (writes: boolean) =>
    call("touch freed pages", ({ memory }, names) => {
      for (const block of names("p.0")) {
        const last = (block & ~0xfff) + 0x1ffc;
        if (writes) memory.write32(last, 1);
        else memory.read32(block & ~0xfff);
      }
    });
  const scenario = (order: number, ...rest: Step[]) => ({
    machine: { maxOrder: 2 },
    setup: [],
    contexts: [task("A", 0, pages("p", 1, order), ...rest)],
  });
  expect(failureOf(scenario(1, touches(true), freePages("p.0")))).toBeUndefined();
  const message = expect.stringContaining("which nobody has, by touch freed pages");
  const expected = { class: "use-after-free", message };
  expect(failureOf(scenario(0, freePages("p.0"), touches(false)))).toMatchObject(expected);
  expect(failureOf(scenario(1, freePages("p.0"), touches(true)))).toMatchObject(expected);
});

test("a CPU can be taken down by a task that is preempted by one which calls all CPUs", () => {
  const contexts = [task("A", 0, flush()), task("B", 0, cpuOffline(1))];
  const machine = { cpus: 2, allocator: "slab" } as const;
  expect(failureOf({ machine, setup: on(1, alloc("c")), contexts })).toBeUndefined();
});

test("an allocation without an object fails where no allocation of pages can", () => {
  const forgetful = onAllocator(
    (Base) =>
      class extends (Base as unknown as typeof Slub) {
        override slabAllocNode(s: number, gfp: number, node: number): number {
          const object = super.slabAllocNode(s, gfp, node);
          const isScenarios = this.context.memory.read32(s + KmemCacheBase.objectSize) === 1000;
          return isScenarios && (object & 1024) !== 0 ? 0 : object;
        }
      } as unknown as typeof Base,
  );
  const machine = { size: 1000 };
  const scenario = { machine, setup: [], contexts: [task("A", 0, alloc("x", 4))] };
  expect(failureOf(scenario)).toBeUndefined();
  expect(failureOf(scenario, forgetful)?.class).toBe("out-of-memory");
});
