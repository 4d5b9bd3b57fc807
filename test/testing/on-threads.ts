/** A file of `node:test` whose tasks run on real threads; threads.test.ts runs it. */
import { test } from "node:test";
import { interleavings, outcomes } from "../../src/testing/node-test.ts";
import { here, plain } from "./programs.ts";

interleavings("two increments", {
  ...here,
  module: import.meta.url,
  words: 1,
  tasks: {
    one: (words) => Atomics.add(words, 0, 1),
    other: (words) => Atomics.add(words, 0, 1),
  },
  check: (words) => {
    if (words[0] !== 2) throw new Error(`2 increments give ${words[0]}`);
  },
});

test("plain stores may be late", () => {
  const any = { "0, 1": "expected", "1, 0": "expected", "1, 1": "expected" } as const;
  outcomes({ ...plain, ...here }, { ...any, "0, 0": "interesting" });
});
