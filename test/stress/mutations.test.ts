import { expect, test } from "vitest";
import { mutations } from "../../src/museum/mutations.ts";
import { stressReport } from "../../src/report/stress.ts";
import { stress } from "../../stress/run.ts";
import { options, TORTURE } from "./options.ts";

// Those that real threads show within seconds, R09 within half a minute; the others take longer
// (`slablab stress --mutation S09`, `--era seed`). A slow machine has more time than it needs.
const SECONDS = 200;

test.each(["S01", "R04", "R08", "R09", "R10", "S11", "S12"])(
  "%s is caught on real threads, as what it does",
  async (mutation) => {
    const wanted = options({ mutation, operations: undefined, seconds: SECONDS, ...TORTURE });
    const { failure } = await stress(wanted);
    expect(mutations.get(mutation)?.expect).toContain(failure?.class);
    expect(failure?.message).not.toBe("");
    expect(failure?.lastOperations).toHaveLength(6);
  },
);

test("the report of a failure says what, who, what all did last, and how to try again", async () => {
  const wanted = options({ mutation: "R10", operations: undefined, seconds: 50, ...TORTURE });
  const report = stressReport(wanted, await stress(wanted));
  expect(report).toMatch(/FAILURE [a-z-]+, found by (the audit|task \d)/);
  expect(report).toMatch(/Last operations, the newest below\n {2}task 0\n/);
  expect(report).toMatch(/CPU \d {2}(irq: )?k\w+\(/);
  expect(report).toContain(
    "slablab stress --workload mixed --cpus 4 --nodes 2 --memory 32M --seconds 50 " +
      "--interrupts 0.001 --migrations 0.0005 --delays 0.001 --mutation R10 --seed 1",
  );
});
