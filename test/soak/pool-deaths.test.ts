/** Users of a pool that are ended at random moments: the figures of docs/lifetimes.md. */
import { expect, test } from "vitest";
import { expectHealing, USES } from "../kernel/deaths.ts";

const DEATHS = 200;

test.each(
  (["slub", "slab"] as const).flatMap((allocator) => USES.map((use) => [allocator, use] as const)),
)("of 200 pools of %s each survives a user that is ended at %s", async (allocator, use) => {
  const endings = await expectHealing(DEATHS, allocator, use);
  console.log(allocator, use, endings);
  expect(Object.values(endings).reduce((a, b) => a + b)).toBe(DEATHS);
});
