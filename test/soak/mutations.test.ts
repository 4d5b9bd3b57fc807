import { expect, test } from "vitest";
import { mutations } from "../../src/museum/mutations.ts";
import { stress } from "../../stress/run.ts";
import { options, TORTURE } from "../stress/options.ts";

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
