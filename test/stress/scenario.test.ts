import { expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { parseScenario } from "../../src/laboratory/parse.ts";
import { printScenario } from "../../src/laboratory/print.ts";
import { scenarioOf } from "../../src/laboratory/scenario.ts";
import { mutations } from "../../src/museum/mutations.ts";
import type { LoggedOperation } from "../../stress/control.ts";
import type { StressFailure } from "../../stress/failure.ts";
import type { StressOptions } from "../../stress/options.ts";
import { scenarioOfFailure } from "../../stress/scenario.ts";

const done = (
  name: LoggedOperation["name"],
  argument: number,
  object: number,
  inInterrupt = false,
) => {
  const logged: LoggedOperation = { name, argument, object, cpu: 3, inInterrupt };
  return { cpu: 3, what: "", logged };
};

const failure: StressFailure = {
  class: "double-allocation",
  message: "",
  task: 1,
  stack: "",
  findings: [],
  lastOperations: [
    { task: 0, operations: [done("kmem_cache_shrink", 0, 0)] },
    {
      task: 1,
      operations: [
        done("kfree", 0x5000, 0x5000),
        done("kmalloc", 64, 0x6000),
        done("kmalloc", 64, 0x7000, true),
        done("kmalloc", 64, 0x8000, true),
        done("kfree", 0x7000, 0x7000, true),
        done("kfree", 0x6000, 0x6000),
      ],
    },
  ],
};
const options = { allocator: "slub", kernel: "4.1", nodes: 1, migrations: 0 } as StressOptions;

test("a failure's last operations are a scenario: who, in which order, with whose objects", () => {
  const text = printScenario(scenarioOfFailure(options, failure));
  expect(text).toBe(`scenario from-stress
story The last operations before double-allocation on real threads.
machine cpus 1 nodes 1 allocator slub kernel 4.1
setup cpu 0
  alloc a 4
task task1 cpu 0
  free a.0
  alloc x0
  free x0
interrupt irq1 cpu 0
  alloc x1; alloc x2; free x1
task task0 cpu 0
  shrink
`);
  expect(printScenario(parseScenario("stress.txt", text))).toBe(text);
});

test("the explorer finds in it what the threads have found", () => {
  const scenario = scenarioOfFailure(options, failure);
  const change = mutations.get("S01")?.change;
  const search = { schedules: 20_000 };
  expect(explore({ ...scenarioOf(scenario, change), search }).failure).toBeDefined();
  expect(explore({ ...scenarioOf(scenario), search }).failure).toBeUndefined();
});
