import { expect, test } from "vitest";
import { mutations } from "../../src/museum/mutations.ts";
import { stressReport } from "../../src/report/stress.ts";
import { stress } from "../../stress/run.ts";
import { options, TORTURE } from "./options.ts";

test("real threads meet a mutation, and the report says what failed, where, what all did last, and how to try again", async () => {
  const wanted = options({ mutation: "R10", operations: undefined, seconds: 50, ...TORTURE });
  const outcome = await stress(wanted);
  expect(mutations.get("R10")?.expect).toContain(outcome.failure?.class);
  expect(outcome.failure?.lastOperations).toHaveLength(6);
  const report = stressReport(wanted, outcome);
  expect(report).toMatch(/FAILURE [a-z-]+, found by (the audit|task \d)/);
  expect(report).toMatch(/Last operations, the newest below\n {2}task 0\n/);
  expect(report).toMatch(/CPU \d {2}(irq: )?k\w+\(/);
  expect(report).toContain(
    "slablab stress --workload mixed --cpus 4 --nodes 2 --memory 32M --seconds 50 " +
      "--interrupts 0.001 --migrations 0.0005 --delays 0.001 --mutation R10 --seed 1",
  );
});
