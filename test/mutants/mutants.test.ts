/** One of the mutants, and that all fit the source; `npm run test:soak` runs all of them. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { answerFor } from "./answer.ts";
import { KINDS } from "./edit.ts";
import { MUTANTS } from "./mutants.ts";

test("the text of each slip is in its file exactly once, and each has a name of its own", () => {
  const misfits = MUTANTS.filter(({ file, from }) => {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    return source.split(from).length !== 2;
  });
  expect(misfits).toEqual([]);
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});

test("there are slips of every kind", () => {
  expect(new Set(MUTANTS.map(({ kind }) => kind))).toEqual(new Set(Object.keys(KINDS)));
});

test.each(MUTANTS.filter(({ name }) => name === "full-slab-stays-frozen"))(
  "the slip $name is found by a generated program",
  async (mutant) => {
    const { failure } = await answerFor(mutant, ["fuzz", "--programs", "60"]);
    expect(failure).not.toBeNull();
  },
);
