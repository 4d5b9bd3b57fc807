import { expect, test } from "vitest";
import { Random } from "../../stress/random.ts";

const draws = (random: Random) => Array.from({ length: 50 }, () => random.below(1000));

test("one seed and task give one course, any other a different one", () => {
  expect(draws(new Random(7, 2))).toEqual(draws(new Random(7, 2)));
  expect(draws(new Random(7, 2))).not.toEqual(draws(new Random(7, 3)));
  expect(draws(new Random(7, 2))).not.toEqual(draws(new Random(8, 2)));
});

test("Pareto's law gives many small numbers, few large ones, and none out of bounds", () => {
  const random = new Random(1, 0);
  const sizes = Array.from({ length: 10_000 }, () => random.pareto(8, 4096, 1));
  expect(Math.min(...sizes)).toBe(8);
  expect(Math.max(...sizes)).toBe(4096);
  const small = sizes.filter((size) => size < 16).length;
  expect(small).toBeGreaterThan(4500);
  expect(small).toBeLessThan(5500);
});

test("pluck takes each element once", () => {
  const random = new Random(3, 0);
  const from = [1, 2, 3, 4, 5];
  const taken = Array.from({ length: 5 }, () => random.pluck(from));
  expect(taken.sort()).toEqual([1, 2, 3, 4, 5]);
  expect(from).toEqual([]);
});
