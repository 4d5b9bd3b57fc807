/** A few of the mutants; `npm run test:soak` runs all of them. */
import { expect, test } from "vitest";
import { answerFor } from "./answer.ts";
import { MUTANTS } from "./mutants.ts";

const SMOKE = ["chain-counts-as-one", "full-slab-stays-frozen", "drained-array-keeps-its-entries"];

test.each(MUTANTS.filter(({ name }) => SMOKE.includes(name)))(
  "the slip $name is found by a generated program",
  async (mutant) => {
    const { failure } = await answerFor(mutant, ["fuzz", "--programs", "60"]);
    expect(failure).not.toBeNull();
  },
);
