/** `npm run test:soak` also counts the branches that such runs reach. */
import { expect, test } from "vitest";
import { TorturedRun } from "./tortured-run.ts";

test("one task that is interrupted, moved and refused memory leaves the sheaves in order", () => {
  expect(new TorturedRun(1).run(400)).toEqual([]);
});

test("a run is a function of its seed", () => {
  const first = new TorturedRun(3);
  const second = new TorturedRun(3);
  first.run(100);
  second.run(100);
  expect(first.events).toBeGreaterThan(0);
  expect(second.events).toBe(first.events);
});
