/**
 * The assertions of the kernel's own suite slub_test about SLUB's debugging: a validation finds
 * each kind of damage, counts it as so many errors, and repairs it. One cache a test, as there. The
 * tests of kmalloc_nolock are left out, which is newer than the kernels whose debugging is copied.
 */

import { expect, test } from "vitest";
import { EINVAL } from "../../src/caches/errno.ts";
import {
  SLAB_KMALLOC,
  SLAB_POISON,
  SLAB_RED_ZONE,
  SLAB_STORE_USER,
} from "../../src/caches/flags.ts";
import { pointerText } from "../../src/caches/pointer-text.ts";
import { systemOf, threadOf } from "../../src/kernel/kernel.ts";
import { __GFP_ZERO, GFP_KERNEL } from "../../src/pages/gfp.ts";
import { KmemCache } from "../../src/slub/structs.ts";
import { bench } from "./bench.ts";

/** A report and the repair that follows it. */
const REPORT_AND_FIX = 2;

test("test_clobber_zone: a byte behind an object in use is found in its red zone", () => {
  const { kernel, validate, poke, reports } = bench();
  const s = kernel.kmemCacheCreate("TestSlub_RZ_alloc", 64, { flags: SLAB_RED_ZONE });
  const p = kernel.kmemCacheAlloc(s);
  expect(validate(s)).toBe(0);
  poke(p + 64, 0x12);
  expect(validate(s)).toBe(REPORT_AND_FIX);
  expect(reports.map(({ failure, object }) => [failure, object])).toEqual([["redzone", p]]);
  kernel.kmemCacheFree(s, p);
  expect(validate(s)).toBe(0);
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
});

test("test_next_pointer: a broken free pointer costs the rest of the list, never more", () => {
  const { kernel, validate, poke } = bench();
  const s = kernel.kmemCacheCreate("TestSlub_next_ptr_free", 64, { flags: SLAB_POISON });
  const p = kernel.kmemCacheAlloc(s);
  kernel.kmemCacheFree(s, p);
  const next = p + systemOf(kernel).memory.read32(s + KmemCache.offset);
  const pointer = systemOf(kernel).memory.read32(next);
  poke(next, ~pointer & 0xff);
  // The chain leads nowhere; the count no longer fits; the count is put right.
  expect(validate(s)).toBe(3);
  // With the pointer back, the list is whole and only the count is wrong.
  expect(systemOf(kernel).memory.read32(next)).toBe(0);
  systemOf(kernel).memory.write32(next, pointer);
  expect(validate(s)).toBe(2);
  expect(validate(s)).toBe(0);
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
});

test.each([
  ["test_first_word: the first word of a freed object", SLAB_POISON, 0, 0x78],
  ["test_clobber_50th_byte: a byte in the middle of a freed object", SLAB_POISON, 50, 0x9a],
  ["test_clobber_redzone_free: the red zone of a freed object", SLAB_RED_ZONE, 64, 0xab],
])("%s is found", (_name, flags, offset, byte) => {
  const { kernel, validate, poke, reports } = bench();
  const s = kernel.kmemCacheCreate("TestSlub_free", 64, { flags });
  const p = kernel.kmemCacheAlloc(s);
  kernel.kmemCacheFree(s, p);
  poke(p + offset, byte);
  expect(validate(s)).toBe(REPORT_AND_FIX);
  expect(reports[0]?.wrong).toMatchObject({ first: p + offset, last: p + offset, found: byte });
  expect(validate(s)).toBe(0);
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
});

test("test_kmalloc_redzone_access: bytes beyond what was asked of kmalloc are guarded (6.1)", () => {
  const { kernel, validate, poke, reports } = bench({ kernel: "6.1" });
  const flags = SLAB_KMALLOC | SLAB_STORE_USER | SLAB_RED_ZONE;
  const s = kernel.kmemCacheCreate("TestSlub_RZ_kmalloc", 32, { flags });
  const p = kernel.kmallocTrace(s, 18);
  expect(validate(s)).toBe(0);
  poke(p + 18, 0xab);
  poke(p + 19, 0xab);
  expect(validate(s)).toBe(REPORT_AND_FIX);
  expect(reports[0]?.message).toBe("kmalloc Redzone overwritten");
  kernel.kmemCacheFree(s, p);
  expect(validate(s)).toBe(0);
});

test("test_krealloc_redzone_zeroing: the guarded bytes follow the size (6.1)", () => {
  const { kernel, validate, peek } = bench({ kernel: "6.1" });
  const flags = SLAB_KMALLOC | SLAB_STORE_USER | SLAB_RED_ZONE;
  const s = kernel.kmemCacheCreate("TestSlub_krealloc", 64, { flags });
  const zeroed = GFP_KERNEL | __GFP_ZERO;
  const p = kernel.kmallocTrace(s, 48, zeroed);
  expect(kernel.krealloc(p, 40, zeroed)).toBe(p);
  expect(peek(p + 40, 24)).toEqual(new Array(24).fill(0xcc));
  expect(kernel.krealloc(p, 56, zeroed)).toBe(p);
  expect(peek(p + 40, 16)).toEqual(new Array(16).fill(0));
  expect(peek(p + 56, 8)).toEqual(new Array(8).fill(0xcc));
  expect(validate(s)).toBe(0);
  systemOf(kernel).memory.fill(p, 0xff, 56);
  const grown = kernel.krealloc(p, 112, zeroed);
  expect(grown).not.toBe(p);
  expect(peek(grown, 56)).toEqual(new Array(56).fill(0xff));
  expect(peek(grown + 56, 56)).toEqual(new Array(56).fill(0));
  expect(validate(s)).toBe(0);
});

test("test_leak_destroy: an object alive at destruction is named, and the cache is kept", () => {
  const { kernel, errorsOf, lines } = bench();
  const s = kernel.kmemCacheCreate("TestSlub_leak", 64, { flags: SLAB_STORE_USER });
  const p = kernel.kmemCacheAlloc(s);
  expect(
    errorsOf(() => {
      expect(kernel.kmemCacheDestroy(s)).toBeLessThan(0);
    }),
  ).toBe(2);
  const object = `INFO: Object ${pointerText("4.1", p)} @offset=`;
  expect(lines.some((line) => line.startsWith(object))).toBe(true);
  expect(lines.some((line) => line.startsWith("INFO: Allocated in "))).toBe(true);
  kernel.kmemCacheFree(s, p);
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
});

test("a cache without debugging cannot be validated", () => {
  const { kernel } = bench();
  const s = kernel.kmemCacheCreate("plain", 64);
  expect(kernel.debug.validate(s)).toBe(-EINVAL);
});

/** Stands in for SLAB_NO_MERGE, which is newer than the kernels whose debugging is copied. */
const NO_MERGE = { parameters: { slab_nomerge: true } };

test("test_kfree_rcu: a cache whose object waits for readers can be destroyed at once", () => {
  const { kernel, errorsOf } = bench(NO_MERGE);
  const s = kernel.kmemCacheCreate("TestSlub_kfree_rcu", 80);
  const errors = errorsOf(() => {
    kernel.kfreeRcu(kernel.kmemCacheAlloc(s));
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });
  expect(errors).toBe(0);
});

test("test_kfree_rcu_wq_destroy: the same where another CPU destroys it, ten times", () => {
  const { kernel, errorsOf } = bench(NO_MERGE);
  threadOf(kernel).leaveCpu();
  const errors = errorsOf(() => {
    for (let i = 0; i < 10; i++) {
      const s = kernel.kmemCacheCreate("TestSlub_kfree_rcu_wq_destroy", 80);
      kernel.run(() => kernel.kfreeRcu(kernel.kmemCacheAlloc(s)), 0);
      expect(kernel.run(() => kernel.kmemCacheDestroy(s), 1)).toBe(0);
    }
  });
  expect(errors).toBe(0);
});

test("test_leak_destroy as in 6.14: an object alive in a cache without debugging is found as well", () => {
  const { kernel, errorsOf } = bench(NO_MERGE);
  const s = kernel.kmemCacheCreate("TestSlub_leak_destroy", 64);
  kernel.kmemCacheAlloc(s);
  expect(errorsOf(() => expect(kernel.kmemCacheDestroy(s)).toBeLessThan(0))).toBe(2);
});
