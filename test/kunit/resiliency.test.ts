/**
 * The six corruptions of the kernel's boot-time resiliency_test, on the kmalloc caches of a machine
 * booted with slub_debug: three on objects in use, three on freed ones. The kernel only prints what
 * it finds; here each must be found, and nothing else.
 */

import { expect, test } from "vitest";
import { systemOf } from "../../src/kernel/kernel.ts";
import { Page } from "../../src/pages/page.ts";
import { bench } from "./bench.ts";

function machine() {
  return bench({ parameters: { slub_debug: "FZPU" } });
}

test.each([
  ["right behind an object of kmalloc-16", 16, 16, "Redzone overwritten"],
  ["the free pointer's place of an object of kmalloc-32", 32, 32 + 8, "Freepointer corrupt"],
  ["a byte 100 behind the start of an object of kmalloc-64", 64, 100, undefined],
])("in use: %s", (_where, size, offset, message) => {
  const { kernel, validate, poke, peek, reports } = machine();
  const p = kernel.kzalloc(size);
  const s = systemOf(kernel).memory.read32(
    systemOf(kernel).pages.virtToHeadPage(p) + Page.slabCache,
  );
  const before = peek(p + offset, 1)[0] ?? 0;
  poke(p + offset, before ^ 0xff);
  const found = validate(s);
  // The third lies in the track of the allocation, which guards nothing and is not guarded.
  expect(reports.map((report) => report.message)).toEqual(message === undefined ? [] : [message]);
  expect(found > 0).toBe(message !== undefined);
  expect(validate(s)).toBe(0);
  kernel.kfree(p);
  expect(validate(s)).toBe(0);
});

test.each([
  ["the first word of an object of kmalloc-128", 128, 0],
  ["byte 50 of an object of kmalloc-256", 256, 50],
  ["the last byte of an object of kmalloc-512", 512, 511],
])("freed: %s", (_where, size, offset) => {
  const { kernel, validate, poke, reports } = machine();
  const p = kernel.kzalloc(size);
  const s = systemOf(kernel).memory.read32(
    systemOf(kernel).pages.virtToHeadPage(p) + Page.slabCache,
  );
  kernel.kfree(p);
  poke(p + offset, 0x78);
  expect(validate(s)).toBe(2);
  expect(reports.map((report) => report.message)).toEqual(["Poison overwritten"]);
  expect(validate(s)).toBe(0);
});
