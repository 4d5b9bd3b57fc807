/** What a load may return instead of the latest value. */
import { expect, test } from "vitest";
import { OlderValues } from "../../src/explore/older-values.ts";

const WORD = 64;

function stored(): OlderValues {
  let step = 0;
  const older = new OlderValues(2, () => step++);
  older.stored(0, WORD, 1, 2);
  return older;
}

test("another CPU may read the value before the last one, its own CPU may not", () => {
  const older = stored();
  expect([older.count(0, WORD), older.count(1, WORD)]).toEqual([0, 1]);
  expect(older.read(1, WORD, 2, 1)).toBe(1);
  expect(older.read(1, WORD, 2, 0)).toBe(2);
  expect(older.count(1, WORD)).toBe(0);
});

test("a task that went on with an older value in mind, on a CPU that has none, reads the latest", () => {
  expect(stored().read(0, WORD, 2, 1)).toBe(2);
});
