import { expect, test } from "vitest";
import { replay } from "../../src/explore/replay.ts";
import { type FuzzOptions, fuzz } from "../../src/laboratory/fuzz/fuzz.ts";
import { habitatsOf } from "../../src/laboratory/fuzz/habitat.ts";
import { kindsOf } from "../../src/laboratory/fuzz/kinds.ts";
import { mutate } from "../../src/laboratory/mutation.ts";
import { parseScenario } from "../../src/laboratory/parse.ts";
import { printScenario } from "../../src/laboratory/print.ts";
import { scenarioOf } from "../../src/laboratory/scenario.ts";
import { mutations } from "../../src/museum/mutations.ts";

const options: FuzzOptions = {
  habitats: habitatsOf("slub", "4.1"),
  change: (classes) => classes,
  seed: 3,
  shard: 0,
  shards: 1,
  programs: 20,
  seconds: 120,
  preemptions: 1,
  dataRaces: false,
  memory: "sc",
};

const steady = ({ seconds: _s, cpuSeconds: _c, ...rest }: ReturnType<typeof fuzz>) => rest;

test("a mutation is found by a generated program, which is a scenario file that fails again", () => {
  const mutation = mutations.get("R10");
  if (mutation === undefined) throw new Error("there is no R10");
  const change: FuzzOptions["change"] = (classes) => mutate(mutation, classes);
  const { failure } = fuzz({ ...options, programs: 400, change });
  const found = failure?.result.failure;
  expect(mutation.expect).toContain(found?.class);
  const scenario = parseScenario("found.txt", printScenario(failure?.scenario ?? fail()));
  const again = replay(scenarioOf(scenario, change), found?.token ?? "");
  expect(again.failure?.class).toBe(found?.class);
});

function fail(): never {
  throw new Error("nothing was found");
}

test("the same seed and number of programs give the same answer, and nothing fails", () => {
  const first = steady(fuzz({ ...options, programs: 5 }));
  expect(steady(fuzz({ ...options, programs: 5 }))).toEqual(first);
  expect(first.failure).toBeUndefined();
  expect(first.pairs).toBeGreaterThan(20);
});

test("a program is cut short where the time is up", () => {
  const whole = fuzz({ ...options, programs: 3 });
  expect(whole.programs).toBe(3);
  // The first program begins, and has a schedule.
  const { programs, schedules } = fuzz({ ...options, programs: 3, seconds: 0.001 });
  expect(programs).toBeLessThanOrEqual(1);
  expect(schedules).toBeLessThan(whole.schedules / 10);
});

test.each([
  { dataRaces: true },
  { memory: "tso" },
  { memory: "pso" },
  { habitats: habitatsOf("slub", "6.1") },
  { habitats: habitatsOf("slab", "4.1") },
  { habitats: habitatsOf("slab", "6.1") },
] as const)("no generated program fails: %o", (more) => {
  const { failure, programs } = fuzz({ ...options, programs: 8, ...more });
  expect(failure).toBeUndefined();
  // Some numbers stand for programs that can do nothing.
  expect(programs).toBeGreaterThan(3);
});

test("no machine has merged caches and survives reports: an alias can be destroyed in use", () => {
  for (const { machine } of habitatsOf("slub", "4.1")) {
    expect(machine.merges === true && machine.survivesReports === true).toBe(false);
  }
});

test("a program of 6.19 has no interrupt flush a CPU that may hold a sheaf lock", () => {
  for (const habitat of habitatsOf("slub", "6.19")) {
    const flushes = kindsOf(habitat).find(({ name }) => name === "flush this CPU");
    expect(flushes?.sleeps).toBe(habitat.machine.sheafCapacity !== undefined);
  }
});
