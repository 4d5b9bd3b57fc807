import { expect, test } from "vitest";
import { answerFor } from "../mutants/answer.ts";
import { MUTANTS } from "../mutants/mutants.ts";

/** The commands that look for mistakes, those that need the least time first. */
const COMMANDS = [
  ["explore", "all", "--seconds", "30"],
  ["fuzz", "--seconds", "60"],
  ["stress", "--workload", "few", "--cpus", "3", "--nodes", "2", "--seconds", "60"],
];

test.each(MUTANTS)("the slip $name is found by explore, fuzz or stress", async (mutant) => {
  for (const words of COMMANDS) {
    const { failure } = await answerFor(mutant, words);
    if (failure !== null) return;
  }
  expect.unreachable("nothing was found");
});
