/** Which calls fail on purpose. */
import { expect, test } from "vitest";
import { boot } from "../../src/kernel/kernel.ts";

test.each([
  [0, [0, 0, 0, 0]],
  [1, [0, 0, 0, 0]],
  [2, [1, 0, 1, 0]],
])("an interval of %i lets these of four calls through: %j", (interval, through) => {
  const kernel = boot({ cpus: 1, failSlab: { interval } });
  const objects = through.map(() => kernel.kmalloc(64));
  expect(objects.map((object) => (object === 0 ? 0 : 1))).toEqual(through);
});
