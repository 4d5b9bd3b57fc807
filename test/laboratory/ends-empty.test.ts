/** `ends empty`, as a scenario file or a TypeScript scenario says it, and the sample in the docs. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { parseScenario } from "../../src/laboratory/parse.ts";
import { printScenario } from "../../src/laboratory/print.ts";
import { on, type SlabScenario, scenarioOf, task } from "../../src/laboratory/scenario.ts";
import { alloc, destroy, free } from "../../src/laboratory/steps.ts";
import type { EndsEmpty } from "../../src/laboratory/verdict.ts";

const SLABS = 2;

/** A task frees half of its objects; the slabs stay with its CPU and its node. */
function keepsHalf(endsEmpty: EndsEmpty, allocator: "slub" | "slab" = "slub"): SlabScenario {
  return {
    name: "keeps-half",
    story: "A task frees one slab of two.",
    machine: { allocator },
    setup: on(0, alloc("a", 4 * SLABS)),
    contexts: [task("A", 0, free("a.0-3"))],
    endsEmpty,
  };
}

const search = { strategy: "bound", preemptions: 0 } as const;

test("the sample scenario of docs/exploring.md passes as printed", () => {
  const docs = fileURLToPath(new URL("../../docs/exploring.md", import.meta.url));
  const [sample = ""] = /^ {4}scenario mine\n(?: {4}.*\n)+/m.exec(readFileSync(docs, "utf8")) ?? [];
  const scenario = parseScenario("mine.txt", sample);
  expect(scenario).toMatchObject({ name: "mine", endsEmpty: "shrunk" });
  const { failure, complete } = explore({ ...scenarioOf(scenario), search });
  expect(failure?.message).toBeUndefined();
  expect(complete?.preemptions).toBe(0);
});

test.each(["slub", "slab"] as const)(
  "ends empty frees what is held and shrinks the cache of %s, so a sound allocator passes",
  (allocator) => {
    const { failure } = explore({ ...scenarioOf(keepsHalf("shrunk", allocator)), search });
    expect(failure?.message).toBeUndefined();
  },
);

test("ends empty refuses a cache that keeps slabs although it was shrunk", () => {
  const scenario = scenarioOf(keepsHalf("shrunk"));
  const world = () => {
    const lab = scenario.world();
    lab.system.kmemCacheShrink = () => 0;
    return lab;
  };
  const { failure } = explore({ ...scenario, world, search });
  expect(failure).toMatchObject({
    class: "leaked-page",
    message: expect.stringContaining("has no objects in use, but keeps"),
  });
});

test("ends empty by itself refuses a cache whose slabs the operations have not given back", () => {
  const { failure } = explore({ ...scenarioOf(keepsHalf("by itself")), search });
  expect(failure?.class).toBe("leaked-page");
});

test("a cache that its scenario destroys ends empty", () => {
  const contexts = [task("A", 0, free("a"), destroy())];
  const { failure } = explore({ ...scenarioOf({ ...keepsHalf("shrunk"), contexts }), search });
  expect(failure?.message).toBeUndefined();
});

test.each(["shrunk", "by itself"] as const)(
  "a scenario that ends empty, %s, is printed as it is read",
  (how) => {
    const text = printScenario(keepsHalf(how));
    expect(parseScenario("again.txt", text).endsEmpty).toBe(how);
  },
);
