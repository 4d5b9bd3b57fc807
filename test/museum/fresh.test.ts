import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import type { Change } from "../../src/kernel/classes.ts";
import { onSlab, onSlub } from "../../src/kernel/classes.ts";
import { type SlabScenario, scenarioOf } from "../../src/laboratory/scenario.ts";
import { migrationBulk } from "../../src/laboratory/scenarios/migration-bulk.ts";
import { remoteFreeFlush } from "../../src/laboratory/scenarios/remote-free-flush.ts";
import { slabAlienFree } from "../../src/laboratory/scenarios/slab-alien-free.ts";
import { slabBulkInterrupt } from "../../src/laboratory/scenarios/slab-bulk-interrupt.ts";
import { R31 } from "../../src/museum/bugs/r31-no-grace-period.ts";
import { S17 } from "../../src/museum/bugs/s17-dead-cpu-keeps.ts";
import { scenarios } from "../../src/museum/scenarios.ts";
import { type Subject, subjectsOf } from "../../src/museum/subject.ts";
import { pushObject } from "../../src/slab/array-cache.ts";
import { AlienCache } from "../../src/slab/structs.ts";
import { KmemCache, KmemCacheCpu, type KmemCachePtr } from "../../src/slub/structs.ts";
import { Explorers } from "../../workers/explorers.ts";

// Bugs that are not in the museum, each in a part or a path that no exhibit touches.

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
  ["a stale address in bulk", bulkOfAnotherCpu, migrationBulk, "bad-access", 1],
  ["an alien cache without its lock", alienUnlocked, slabAlienFree, "lost-object", 1],
  ["bulk with interrupts on", bulkWithInterrupts, slabBulkInterrupt, "lost-object", 1],
  ["tuning without waiting", tuneWithoutWaiting, R31.scenario, "double-allocation", 1],
];

test.each(FRESH)(
  "a bug outside of the museum is found by an existing scenario: %s",
  (_, change, scenario, of, least) => {
    const { failure } = explore({ ...scenarioOf(scenario, change), search: { schedules: 20_000 } });
    expect(failure).toMatchObject({ class: of, preemptions: least });
  },
);

test("a slab on its way from an offline CPU to its node is no failure", () => {
  const search = { strategy: "bound", preemptions: 2, seconds: 60 } as const;
  const { failure, complete } = explore({ ...scenarioOf(S17.scenario), search });
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(2);
});

const pools = [1, 2].map((threads) => new Explorers(threads));
afterAll(() => Promise.all(pools.map((pool) => pool.close())));

test("a search of `all` scenarios finds a mutation, with the same answer on one thread and on two", async () => {
  const mutation = fileURLToPath(new URL("./mutations/put-back-by-store.ts", import.meta.url));
  const subjects = await subjectsOf({ scenario: "all", mutation });
  const plan = { search: { schedules: 2000, seed: 1 }, dataRaces: false };
  const answers = await Promise.all(pools.map((pool) => pool.searchEach(subjects, plan)));
  const [one, two] = answers.map(({ seconds: _s, cpuSeconds: _c, ...steady }) => steady);
  expect(one).toEqual(two);
  expect(one?.failure).toMatchObject({ class: "counter-drift", preemptions: 1 });
  expect(subjects[one?.winner ?? -1]?.scenario).toBe(remoteFreeFlush.name);
});

async function namesOfAll(options: Omit<Subject, "scenario">): Promise<string[]> {
  const subjects = await subjectsOf({ scenario: "all", ...options });
  return subjects.map(({ scenario }) => scenario);
}

test("`all` scenarios of an allocator are those made for it, without those that must fail", async () => {
  const slab = await namesOfAll({ allocator: "slab" });
  const slub = await namesOfAll({ allocator: "slub" });
  expect(slab).toContain("slab-two-cpus");
  expect(slub).toContain("two-cpus");
  expect(slub.filter((name) => slab.includes(name))).toEqual([]);
  expect(slub.filter((name) => name.includes("unchecked"))).toEqual([]);
});

test("`all` scenarios with a mutation are those whose allocator and kernel it changes", async () => {
  const onlySlub = await namesOfAll({ mutation: "R04" });
  const onlySlab = await namesOfAll({ mutation: "R30" });
  const hasCpuSlabs = (name: string) => scenarios.get(name)?.machine.kernel !== "7.1";
  expect(onlySlub).toEqual((await namesOfAll({ allocator: "slub" })).filter(hasCpuSlabs));
  expect(onlySlab).toEqual(await namesOfAll({ allocator: "slab" }));
  const none = namesOfAll({ mutation: "R04", allocator: "slab" });
  await expect(none).rejects.toThrow("R04 changes no class of slab");
});

test("`all` scenarios of a kernel are those made for it and those that tell the same of it", async () => {
  const [first, second, third, last] = await Promise.all(
    (["4.1", "6.1", "6.19", "7.1"] as const).map((kernel) =>
      namesOfAll({ allocator: "slub", kernel }),
    ),
  );
  expect(first).toContain("keeps-none");
  const gone = first?.filter((name) => !second?.includes(name));
  expect(gone).toEqual(["keeps-none", "limit-not-yet-seen"]);
  expect(third).toEqual(expect.arrayContaining(second as string[]));
  expect(third).toContain("opt-in-refill");
  expect(third).toContain("sheaves-two-cpus");
  expect(last).toContain("sheaves-two-cpus");
  expect(last).not.toContain("two-cpus");
});
