import { expect, test } from "vitest";
import { Fuzz } from "../kernel/fuzz.ts";
import { FUZZ_FORMS } from "../kernel/fuzz-forms.ts";

/** 200,000 calls in all. */
const ROUNDS = 10;
const CALLS = 800;

test.each(FUZZ_FORMS)(
  "random calls change nothing that is in use, and a clean audit follows: %o",
  (form) => {
    const first = 1 + Math.floor(Math.random() * 1e6);
    for (let seed = first; seed < first + ROUNDS; seed++) {
      expect(() => new Fuzz(seed, form).run(CALLS), `seed ${seed}`).not.toThrow();
    }
  },
);
