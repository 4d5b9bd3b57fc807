import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import type { Change } from "../../src/kernel/classes.ts";
import { onSlab, onSlub } from "../../src/kernel/classes.ts";
import { type SlabScenario, scenarioOf } from "../../src/laboratory/scenario.ts";
import { cpuOfflineFree } from "../../src/museum/scenarios/cpu-offline-free.ts";
import { migrationBulk } from "../../src/museum/scenarios/migration-bulk.ts";
import { remoteFreeFlush } from "../../src/museum/scenarios/remote-free-flush.ts";
import { slabAlienFree } from "../../src/museum/scenarios/slab-alien-free.ts";
import { slabBulkInterrupt } from "../../src/museum/scenarios/slab-bulk-interrupt.ts";
import { slabSharedGlance } from "../../src/museum/scenarios/slab-shared-glance.ts";
import { subjectsOf } from "../../src/museum/subject.ts";
import { pushObject } from "../../src/slab/array-cache.ts";
import { AlienCache } from "../../src/slab/structs.ts";
import { KmemCache, KmemCacheCpu, type KmemCachePtr } from "../../src/slub/structs.ts";
import { Explorers } from "../../workers/explorers.ts";

// Bugs as somebody else would write them, each of a part or a path that no exhibit touches.

/** kmem_cache_alloc_bulk keeps the address of its CPU's struct over the slow path. */
const bulkOfAnotherCpu: Change = onSlub((classes) => ({
  Bulk: class extends classes.Bulk {
    override alloc(s: KmemCachePtr, gfp: number, size: number, p: number[]): number {
      const { memory } = this;
      const flags = memory.irqSave();
      const c = memory.thisCpuPtr(memory.read32(s + KmemCache.cpuSlab));
      const got = super.alloc(s, gfp, size, p);
      memory.write32(c + KmemCacheCpu.tid, memory.read32(c + KmemCacheCpu.tid));
      memory.irqRestore(flags);
      return got;
    }
  },
}));

/** An alien cache takes an object in without its lock. */
const alienUnlocked = onSlab((form) => ({
  AlienCaches: class extends form.AlienCaches {
    protected override queue(_: KmemCachePtr, alien: number, object: number): number[] {
      pushObject(this.memory, alien + AlienCache.ac, object);
      return [];
    }
  },
}));

/** kmem_cache_free_bulk leaves interrupts on. */
const bulkWithInterrupts = onSlab((form) => ({
  Bulk: class extends form.Bulk {
    override free(s: KmemCachePtr, size: number, p: number[]): void {
      const { pages } = this.context;
      for (const object of p.slice(0, size))
        this.parts.free(s, pages.virtToHeadPage(object), object);
    }
  },
}));

/** do_tune_cpucache frees the arrays that CPUs may still be using. */
const tuneWithoutWaiting = onSlab((form) => ({
  Tuning: class extends form.Tuning {
    protected override waitForCpus(): void {}
  },
}));

const FRESH: readonly (readonly [string, Change, SlabScenario, string, number])[] = [
  ["a stale address in bulk", bulkOfAnotherCpu, migrationBulk, "bad-access", 2],
  ["an alien cache without its lock", alienUnlocked, slabAlienFree, "lost-object", 1],
  ["bulk with interrupts on", bulkWithInterrupts, slabBulkInterrupt, "lost-object", 1],
  ["tuning without waiting", tuneWithoutWaiting, slabSharedGlance, "double-allocation", 1],
];

test.each(FRESH)(
  "%s is found by the scenarios that are there",
  (_, change, scenario, of, least) => {
    const { failure } = explore({ ...scenarioOf(scenario, change), search: { schedules: 20_000 } });
    expect(failure).toMatchObject({ class: of, preemptions: least });
  },
);

test("a slab that is being taken from a CPU that has gone is no failure", () => {
  const search = { strategy: "bound", preemptions: 3, seconds: 60 } as const;
  const { failure, complete } = explore({ ...scenarioOf(cpuOfflineFree), search });
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(3);
});

const pools = [1, 2].map((threads) => new Explorers(threads));
afterAll(() => Promise.all(pools.map((pool) => pool.close())));

test("`all` finds it without being told where, and answers the same on one core and on two", async () => {
  const mutation = fileURLToPath(new URL("./mutations/put-back-by-store.ts", import.meta.url));
  const plans = subjectsOf({ scenario: "all", mutation }).map((subject) => ({
    subject,
    search: { schedules: 20_000, seed: 1 },
    dataRaces: false,
  }));
  const answers = await Promise.all(pools.map((pool) => pool.searchEach(plans)));
  const [one, two] = answers.map(({ seconds: _s, cpuSeconds: _c, ...steady }) => steady);
  expect(one).toEqual(two);
  expect(one?.failure).toMatchObject({ class: "counter-drift", preemptions: 1 });
  expect(plans[one?.winner ?? -1]?.subject.scenario).toBe(remoteFreeFlush.name);
});

test("`all` of an allocator are the scenarios made for it, but for those that must fail", () => {
  const named = (allocator: "slub" | "slab") =>
    subjectsOf({ scenario: "all", allocator }).map(({ scenario }) => scenario);
  expect(named("slab")).toContain("slab-two-cpus");
  expect(named("slub")).toContain("two-cpus");
  expect(named("slub").filter((name) => named("slab").includes(name))).toEqual([]);
  expect(named("slub").filter((name) => name.includes("unchecked"))).toEqual([]);
});
