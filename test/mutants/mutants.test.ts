/** One of the mutants; `npm run test:soak` runs all of them. */
import { expect, test } from "vitest";
import { answerFor } from "./answer.ts";
import { MUTANTS } from "./mutants.ts";

test.each(MUTANTS.filter(({ name }) => name === "full-slab-stays-frozen"))(
  "the slip $name is found by a generated program",
  async (mutant) => {
    const { failure } = await answerFor(mutant, ["fuzz", "--programs", "60"]);
    expect(failure).not.toBeNull();
  },
);
