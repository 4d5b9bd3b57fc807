import { expect, test } from "vitest";
import type { AllocatorName } from "../../src/caches/flags.ts";
import { explore } from "../../src/explore/explore.ts";
import { on, type SlabScenario, scenarioOf, task } from "../../src/laboratory/scenario.ts";
import { alloc, bulkAlloc, call, free, type StepBody } from "../../src/laboratory/steps.ts";
import { NUMA_NO_NODE } from "../../src/machine/topology.ts";
import { GFP_KERNEL } from "../../src/pages/gfp.ts";
import { Page } from "../../src/pages/page.ts";

/** The failure of a scenario whose task runs `body`. */
function verdictOn(body: StepBody, allocator: AllocatorName = "slub") {
  const scenario: SlabScenario = {
    name: "verdict",
    story: "One task breaks the allocator on purpose.",
    machine: { allocator },
    setup: on(0, alloc("a", 4)),
    contexts: [task("A", 0, call("on purpose", body))],
  };
  const { failure } = explore({ ...scenarioOf(scenario), search: { schedules: 1 } });
  return failure;
}

test("a page that is neither free nor allocated at the end is a leaked page", () => {
  const failure = verdictOn(({ system, memory }) => {
    const page = system.pages.allocPages(GFP_KERNEL, 0, NUMA_NO_NODE);
    memory.write32(page + Page.flags, 0);
    return undefined;
  });
  expect(failure?.class).toBe("leaked-page");
});

test("an object held at the end in a page that was freed is a use-after-free", () => {
  const failure = verdictOn(({ system, ledger }) => {
    const page = system.pages.allocPages(GFP_KERNEL, 0, NUMA_NO_NODE);
    ledger.take(system.pages.pageAddress(page));
    system.pages.freePages(page, 0);
    return undefined;
  });
  expect(failure?.class).toBe("use-after-free");
  expect(failure?.message).toContain("their slabs were given back");
});

test.each(["slub", "slab"] as const)(
  "an object of %s that is both held and free is a double allocation",
  (allocator) => {
    const failure = verdictOn(({ system, ledger, s }) => {
      const object = system.kmemCacheAllocNode(s, GFP_KERNEL, NUMA_NO_NODE);
      system.kfree(object);
      ledger.take(object);
      return undefined;
    }, allocator);
    expect(failure?.class).toBe("double-allocation");
  },
);

test.each(["a.3-1", "b", "a."])(
  "a step in TypeScript that asks for the unknown object %s fails",
  (name) => {
    const failure = verdictOn((_, names) => {
      names(name);
      return undefined;
    });
    expect(failure).toMatchObject({ class: "exception" });
    expect(failure?.message).toContain(`no object is called "${name}"`);
  },
);

test("a bulk allocation that fails for lack of memory names no objects", () => {
  const scenario: SlabScenario = {
    name: "verdict",
    story: "One task wants more than there is.",
    machine: { size: 4096 },
    setup: on(0, alloc("most", 4096), free("most.0")),
    contexts: [task("A", 0, bulkAlloc("a", 4), free("a"))],
  };
  const { failure } = explore({ ...scenarioOf(scenario), search: { schedules: 1 } });
  expect(failure?.message).toBeUndefined();
});
