import { describe, expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { boot, MIB } from "../../src/kernel/kernel.ts";
import type { Mutation } from "../../src/laboratory/mutation.ts";
import { on, type SlabScenario, scenarioOf, task } from "../../src/laboratory/scenario.ts";
import { alloc, destroy, flush, free } from "../../src/laboratory/steps.ts";
import { TorturedMemory } from "../../src/machine/tortured-memory.ts";
import { loadMutation } from "../../src/museum/mutations.ts";
import { scenarioOfSubject } from "../../src/museum/subject.ts";
import { stress } from "../../stress/run.ts";
import { options, TORTURE } from "../stress/options.ts";
import { noListLock } from "./mutations/no-list-lock.ts";
import { slabMutexFirst } from "./mutations/slab-mutex-first.ts";
import { twoListLocks } from "./mutations/two-list-locks.ts";
import { zoneLockFirst } from "./mutations/zone-lock-first.ts";

const ALLOCATORS = [
  { allocator: "slub", kernel: "4.1" },
  { allocator: "slab", kernel: "4.1" },
  { allocator: "slab", kernel: "6.1" },
] as const;

/** What is wanted while what is held, as the first line of the report has it; and where. */
const MUTATIONS: readonly (Mutation & { readonly file: string; readonly says: RegExp })[] = [
  {
    ...slabMutexFirst,
    file: "slab-mutex-first",
    says: /cpu_hotplug_lock \(.*\) is wanted while slab_mutex \(.*\) is held/,
  },
  {
    ...zoneLockFirst,
    file: "zone-lock-first",
    says: /list_lock \(.*\) is wanted while zone->lock \(.*\) is held/,
  },
  {
    ...twoListLocks,
    file: "two-list-locks",
    says: /list_lock \(.*\) is wanted while list_lock \(.*\) is held, two locks of one class/,
  },
  { ...noListLock, file: "no-list-lock", says: /list_lock \(.*\) is needed here and not held/ },
];

const ALL = ALLOCATORS.flatMap((on) => MUTATIONS.map((mutation) => ({ ...on, ...mutation })));

/** One task moves slabs between the lists and destroys the cache. */
function scenarioOn(machine: SlabScenario["machine"]): SlabScenario {
  return {
    name: "one-task",
    story: "One task goes through the slow paths.",
    machine: { cpus: 1, ...machine },
    setup: on(0, alloc("a", 40)),
    contexts: [task("A", 0, free("a.0-19"), flush(), free("a.20-39"), destroy())],
  };
}

describe.each(ALL)("$title ($allocator of $kernel)", (one) => {
  const { allocator, kernel: version, file, says, change } = one;
  const [failure] = one.expect;

  test("is found by the explorer without any preemption, with the stacks", () => {
    const scenario = scenarioOf(scenarioOn({ allocator, kernel: version }), change);
    const { failure: found } = explore({ ...scenario, search: { schedules: 10 } });
    expect(found).toMatchObject({ class: failure, preemptions: 0 });
    expect(found?.message).toMatch(says);
    expect(found?.message).toMatch(/\n {4}(wanted|needed):\n {6}\S+ \S+\.ts:\d+\n/);
    if (failure === "lock-not-held") return;
    expect(found?.message).toMatch(/\n {4}held, taken:\n {6}\S+ \S+\.ts:\d+\n/);
    expect(found?.message).toContain(file);
  });

  test("is found by torture memory", () => {
    // Some show while the machine boots.
    const useAll = () => {
      const kernel = boot(
        { allocator, kernel: version, cpus: 2, memory: 4 * MIB },
        { memoryClass: TorturedMemory, change },
      );
      const cache = kernel.kmemCacheCreate("one", 64);
      const objects = Array.from({ length: 4000 }, () => kernel.kmemCacheAlloc(cache));
      // Half of each slab, then the rest: every slab is on the partial list in between.
      for (const rest of [0, 1]) {
        const half = objects.filter((_, i) => i % 2 === rest);
        for (const object of half) kernel.kmemCacheFree(cache, object);
      }
      kernel.kmemCacheDestroy(cache);
    };
    expect(useAll).toThrow(
      expect.objectContaining({ failure, message: expect.stringMatching(says) }),
    );
  });
});

/** Of all workloads only churn makes and destroys caches, under slab_mutex. */
test.each([
  ["slub", "slab-mutex-first", "churn"],
  ["slab", "two-list-locks", "few"],
  ["slub", "no-list-lock", "few"],
  ["slab", "no-list-lock", "few"],
] as const)(
  "a stress run of %s ends with the lock error of %s",
  async (allocator, file, workload) => {
    const mutation = `test/machine/mutations/${file}.ts`;
    await loadMutation(mutation);
    // Two threads and none to spare: each loads the mutation with all that it imports.
    const few = { ...TORTURE, cpus: 2, migrations: 0 };
    const { failure } = await stress(options({ allocator, mutation, workload, ...few }));
    const expected = MUTATIONS.find((one) => one.file === file);
    expect(failure).toMatchObject({ class: expected?.expect[0] });
    expect(failure?.message).toMatch(expected?.says as RegExp);
    expect(failure?.message).toMatch(/\n {4}(wanted|needed):\n {6}\w+/);
  },
);

test("R35, which switches the check off to show its deadlock, breaks the order of locks", async () => {
  const scenario = await scenarioOfSubject({ scenario: "R35", mutation: "R35" });
  const world = () => {
    const lab = scenario.world();
    lab.memory.lockdepOff = () => undefined;
    lab.memory.lockdepOn = () => undefined;
    return lab;
  };
  const search = { strategy: "bound", preemptions: 0 } as const;
  const { failure } = explore({ ...scenario, world, search });
  expect(failure).toMatchObject({ class: "lock-order", preemptions: 0 });
});
