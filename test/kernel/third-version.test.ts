/** A version is a table: an invented one runs wherever those of the tree do, with no other edit. */
import { fileURLToPath } from "node:url";
import { beforeEach, expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { on, type SlabScenario, scenarioOf, task } from "../../src/laboratory/scenario.ts";
import { alloc, free, tune } from "../../src/laboratory/steps.ts";
import { loadMutation } from "../../src/museum/mutations.ts";
import { parseScript } from "../../src/sysfs/script/commands.ts";
import { runScript } from "../../src/sysfs/script/run.ts";
import { stress } from "../../stress/run.ts";
import { options } from "../stress/options.ts";
import { ran, thirdVersion } from "./third-version.ts";

const file = fileURLToPath(new URL("./third-version.ts", import.meta.url));

/** Enough for each event that the invented ones never count. */
const OPERATIONS = 8_000;

const VERSIONS = [
  {
    allocator: "slab",
    kernel: "6.1",
    classes: ["AlienCaches", "Flush", "Grow"],
    never: ["coloured", "alien_drain", "shared_flush"],
  },
  { allocator: "slub", kernel: "4.1", classes: ["CacheLifetime"], never: ["cpu_partial_node"] },
] as const;

beforeEach(() => ran.clear());

test.each(VERSIONS)(
  "real threads run an invented $allocator: its counters show what it never does",
  async ({ allocator, kernel, never }) => {
    await loadMutation(file);
    const wanted = options({ allocator, kernel, cpus: 2, operations: OPERATIONS });
    const third = await stress({ ...wanted, mutation: file });
    expect([third.failure, third.died]).toEqual([undefined, undefined]);
    expect(third.operations).toBeGreaterThanOrEqual(OPERATIONS);
    const known = await stress(wanted);
    for (const event of never) {
      expect(third.stats[event], event).toBe(0);
      expect(known.stats[event], event).toBeGreaterThan(0);
    }
  },
);

test.each(VERSIONS)(
  "a script runs on an invented $allocator and tells another story",
  ({ allocator, kernel, classes }) => {
    const script = parseScript("C cache 192 0 0 0\nA 400\nP 1\nFF 0 399\nS end");
    const machine = { allocator, kernel, cpus: 4, nodes: 2, parameters: {} };
    const known = runScript(script, machine);
    expect(ran).toEqual(new Set());
    const third = runScript(script, machine, thirdVersion.change);
    expect([...ran].sort()).toEqual(classes);
    expect(third.steps.at(-1)).not.toEqual(known.steps.at(-1));
  },
);

test.each(VERSIONS)(
  "the explorer searches an invented $allocator with every schedule of one preemption",
  ({ allocator, kernel, classes }) => {
    const scenario: SlabScenario = {
      name: "third-version",
      story: "Two CPUs of different nodes free objects of the first one's slab.",
      machine: { cpus: 2, nodes: 2, allocator, kernel },
      setup: on(0, ...(allocator === "slab" ? [tune(2, 1, 1)] : []), alloc("a", 6)),
      contexts: [
        task("A", 0, free("a.0"), free("a.1"), free("a.2")),
        task("B", 1, free("a.3"), free("a.4")),
      ],
    };
    const search = { strategy: "bound", preemptions: 1, seconds: 60 } as const;
    const found = explore({ ...scenarioOf(scenario, thirdVersion.change), search });
    expect(found.failure?.message).toBeUndefined();
    expect(found.complete?.preemptions).toBe(1);
    expect([...ran].sort()).toEqual(classes);
  },
);
