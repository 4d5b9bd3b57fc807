import { expect, test } from "vitest";
import { Fuzz } from "./fuzz.ts";
import { FUZZ_FORMS } from "./fuzz-forms.ts";

/** 5,000 calls in all. */
const CALLS = 200;

test.each(FUZZ_FORMS.map((form, i) => [i + 1, form] as const))(
  "seed %i: random calls change nothing that is in use, and a clean audit follows: %o",
  (seed, form) => {
    expect(() => new Fuzz(seed, form).run(CALLS)).not.toThrow();
  },
);
