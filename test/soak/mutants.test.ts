import { expect, test } from "vitest";
import { answerFor } from "../mutants/answer.ts";
import { MUTANTS } from "../mutants/mutants.ts";

test.each(MUTANTS)(
  "the slip $name is found by a scenario or by a generated program",
  async (mutant) => {
    const explored = await answerFor(mutant, ["explore", "all", "--seconds", "30"]);
    const { failure } = explored.failure
      ? explored
      : await answerFor(mutant, ["fuzz", "--seconds", "60"]);
    expect(failure).not.toBeNull();
  },
);
