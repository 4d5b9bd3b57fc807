import { expect, test } from "vitest";
import {
  array,
  embed,
  fieldAt,
  fieldsOf,
  firstOfTwo,
  list,
  ptr,
  sizeOf,
  struct,
  word,
} from "../../src/machine/struct.ts";

const Inner = struct("inner", { first: word, second: ptr });
const Outer = struct("outer", {
  flags: word,
  pair: firstOfTwo(ptr),
  counters: word,
  lru: list,
  inner: embed(Inner),
  slots: array(ptr, 3),
});

test("fields follow each other in the order of declaration, a pair 8-aligned", () => {
  expect({ ...Outer }).toMatchObject({
    flags: 0,
    pair: 8,
    counters: 12,
    lru: 16,
    inner: 24,
    slots: 32,
  });
  expect(sizeOf(Outer)).toBe(48);
  expect(fieldsOf(Outer).map((field) => field.name)).toEqual([
    "flags",
    "pair",
    "counters",
    "lru",
    "inner",
    "slots",
  ]);
});

test("any byte has a name that a report can print", () => {
  expect([0, 4, 8, 20, 28, 40, 44].map((offset) => fieldAt(Outer, offset))).toEqual([
    "flags",
    "+4",
    "pair",
    "lru.prev",
    "inner.second",
    "slots[2]",
    "+44",
  ]);
});

test("a struct has the size that is asked for, or is refused", () => {
  expect(sizeOf(struct("padded", { one: word }, 64))).toBe(64);
  expect(() => struct("tight", { one: word, two: word }, 4)).toThrow("struct tight needs 8 bytes");
});
