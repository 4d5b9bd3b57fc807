/**
 * What an attacker, or a bug that acts like one, does to a heap, and the answer it gets: a report
 * with the kernel's words, or a refusal. Afterwards the cache serves on.
 */
import { describe, expect, test } from "vitest";
import {
  SLAB_CONSISTENCY_CHECKS,
  SLAB_KMALLOC,
  SLAB_POISON,
  SLAB_RED_ZONE,
  SLAB_STORE_USER,
} from "../../src/caches/flags.ts";
import type { KmemCachePtr } from "../../src/caches/kmem-cache.ts";
import { pointerText } from "../../src/caches/pointer-text.ts";
import { type Kernel, systemOf } from "../../src/kernel/kernel.ts";
import type { Address } from "../../src/machine/memory.ts";
import { Page } from "../../src/pages/page.ts";
import { objectsOf, withInuse } from "../../src/slub/counters.ts";
import { bench } from "../kunit/bench.ts";

const FZPU = SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER;

/** A hundred objects of the cache, all different, none of them `forbidden`. */
function expectServes(kernel: Kernel, s: KmemCachePtr, forbidden: readonly Address[] = []): void {
  const objects = Array.from({ length: 100 }, () => kernel.kmemCacheAlloc(s));
  expect(new Set(objects).size).toBe(100);
  for (const object of [0, ...forbidden]) expect(objects).not.toContain(object);
  for (const object of objects) kernel.kmemCacheFree(s, object);
}

describe("a forged free pointer", () => {
  /** Two freed objects, the pointer of the first one overwritten with an address outside. */
  function forge(hardened: boolean, remote: boolean) {
    const on = bench({ hardened });
    const { kernel } = on;
    const s = kernel.kmemCacheCreate("victims", 64, {
      flags: remote ? SLAB_CONSISTENCY_CHECKS : 0,
    });
    const target = kernel.kmalloc(256);
    const objects = Array.from({ length: 3 }, () => kernel.kmemCacheAlloc(s));
    for (const object of objects) kernel.kmemCacheFree(s, object);
    systemOf(kernel).memory.write32(objects[2] as Address, target);
    return { ...on, s, target };
  }

  test("hands the attacker's address out where free pointers are not encoded", () => {
    const { kernel, s, target } = forge(false, false);
    expect([kernel.kmemCacheAlloc(s), kernel.kmemCacheAlloc(s)]).toContain(target);
  });

  test("is cut off on the fast path of a hardened system, with a report", () => {
    const { kernel, s, target, reports } = forge(true, false);
    expectServes(kernel, s, [target]);
    expect(reports.map(({ failure, message }) => [failure, message])).toEqual([
      ["list-corruption", "Freechain corrupt"],
    ]);
  });

  test("is cut off on the slow paths of a hardened system, with a report", () => {
    const { kernel, s, target, reports } = forge(true, true);
    expectServes(kernel, s, [target]);
    expect(reports.length).toBeGreaterThan(0);
    for (const { failure } of reports) expect(failure).toBe("list-corruption");
  });
});

describe("a free list that leads back into itself is given up, and the cache serves on", () => {
  const finders = ["a free", "a validation"] as const;
  const flags = [
    ["POISON", SLAB_POISON],
    ["FZPU", FZPU],
  ] as const;

  test.each(
    flags.flatMap(([name, bits]) => finders.map((finder) => [name, finder, bits] as const)),
  )("%s, found by %s", (_, finder, bits) => {
    const { kernel, slub, reports, validate } = bench();
    const s = kernel.kmemCacheCreate("victims", 64, { flags: bits });
    const [first = 0, second = 0, third = 0] = Array.from({ length: 3 }, () =>
      kernel.kmemCacheAlloc(s),
    );
    kernel.kmemCacheFree(s, first);
    kernel.kmemCacheFree(s, second);
    slub.freePointers.set(s, first, second);
    if (finder === "a validation") expect(validate(s)).toBe(2);
    kernel.kmemCacheFree(s, third);
    expect(reports.map(({ message }) => message)).toEqual(["Freelist cycle detected"]);
    expect(validate(s)).toBe(0);
    expect(kernel.kmemCacheShrink(s)).toBe(1);
    expectServes(kernel, s);
    expect(validate(s)).toBe(0);
  });
});

test("an overflow into the next object names the object that was overrun and who holds it", () => {
  const { kernel, reports, lines } = bench();
  const s = kernel.kmemCacheCreate("victims", 64, { flags: FZPU });
  const object = kernel.kmemCacheAlloc(s);
  systemOf(kernel).memory.fill(object, 0x41, 68);
  kernel.kmemCacheFree(s, object);
  expect(reports).toMatchObject([
    {
      message: "Redzone overwritten",
      failure: "redzone",
      object,
      wrong: { first: object + 64, last: object + 67, found: 0x41, expected: 0xcc },
    },
  ]);
  expect(reports[0]?.allocated?.stack[0]).toContain("attacks.test.ts");
  expect(reports[0]?.finder[0]).toContain("attacks.test.ts");
  expect(lines).toContain("BUG victims (Not tainted): Redzone overwritten");
  // The text of 4.1 brings a line end of its own.
  expect(lines.at(-2)).toMatch(/^FIX victims: Restoring 0x[0-9a-f]{16}-0x[0-9a-f]{16}=0xcc$/);
  expect(lines.at(-1)).toBe("");
  expectServes(kernel, s);
});

test("a note of the size asked for that is overwritten costs no byte of the object", () => {
  const { kernel, slub, validate, peek } = bench({ kernel: "6.1" });
  const flags = SLAB_KMALLOC | SLAB_STORE_USER | SLAB_RED_ZONE;
  const s = kernel.kmemCacheCreate("victims", 64, { flags });
  const object = kernel.kmallocTrace(s, 64);
  systemOf(kernel).memory.fill(object, 0x31, 64);
  systemOf(kernel).memory.fill(object + slub.debugging.layout.origSizeOffset(s), 0xff, 4);
  expect(validate(s)).toBe(0);
  const grown = kernel.krealloc(object, 100);
  expect(peek(grown, 64)).toEqual(Array.from({ length: 64 }, () => 0x31));
});

test("a write after the free names who freed the object", () => {
  const { kernel, reports, slub } = bench();
  const s = kernel.kmemCacheCreate("victims", 64, { flags: FZPU });
  const object = kernel.kmemCacheAlloc(s);
  kernel.kmemCacheFree(s, object);
  systemOf(kernel).memory.write32(object + 8, 0xdead);
  expectServes(kernel, s, [object]);
  expect(reports).toMatchObject([{ message: "Poison overwritten", failure: "poison", object }]);
  expect(reports[0]?.freed?.stack[0]).toContain("attacks.test.ts");
  expect(slub.debugging.reports.errors).toBe(3);
});

test("a full slab on a partial list stops the machine, since locks are held where it is met", () => {
  const { kernel } = bench();
  const s = kernel.kmemCacheCreate("victims", 64, { flags: SLAB_CONSISTENCY_CHECKS });
  const page = systemOf(kernel).pages.virtToHeadPage(kernel.kmemCacheAlloc(s));
  const counters = systemOf(kernel).memory.readOnce(page + Page.counters);
  systemOf(kernel).memory.writeOnce(page + Page.counters, withInuse(counters, objectsOf(counters)));
  expect(() => kernel.kmemCacheShrink(s)).toThrow(/full slab \d+ on a partial list/);
  expect(systemOf(kernel).memory.loadAcquire(systemOf(kernel).machine.layout.panic)).toBe(1);
});

test("a free to another cache is refused", () => {
  const { kernel } = bench();
  const s = kernel.kmemCacheCreate("victims", 64, { flags: FZPU });
  const other = kernel.kmemCacheCreate("others", 200, { flags: FZPU });
  const object = kernel.kmemCacheAlloc(s);
  expect(() => kernel.kmemCacheFree(other, object)).toThrow(
    /Wrong slab cache\. others but object 0x[0-9a-f]+ belongs to victims/,
  );
  kernel.kmemCacheFree(s, object);
  expectServes(kernel, s);
});

test("a free of an interior pointer frees nothing", () => {
  const { kernel, reports, lines } = bench();
  const s = kernel.kmemCacheCreate("victims", 64, { flags: FZPU });
  const object = kernel.kmemCacheAlloc(s);
  kernel.kmemCacheFree(s, object + 16);
  const address = pointerText("4.1", object + 16);
  expect(reports).toMatchObject([
    { message: `Invalid object pointer ${address}`, failure: "bad-access" },
  ]);
  expect(lines.at(-1)).toBe(`FIX victims: Object at ${address} not freed`);
  expectServes(kernel, s, [object]);
  kernel.kmemCacheFree(s, object);
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
});

test("a second free frees nothing in a debug cache, whatever was freed in between", () => {
  const { kernel, reports } = bench();
  const s = kernel.kmemCacheCreate("victims", 64, { flags: SLAB_CONSISTENCY_CHECKS });
  const [first = 0, second = 0] = [kernel.kmemCacheAlloc(s), kernel.kmemCacheAlloc(s)];
  kernel.kmemCacheFree(s, first);
  kernel.kmemCacheFree(s, second);
  kernel.kmemCacheFree(s, first);
  expect(reports).toMatchObject([
    { message: "Object already free", failure: "double-free", object: first },
  ]);
  expectServes(kernel, s);
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
});

test("a second free of one object in a bulk call keeps no other back", () => {
  const { kernel, reports } = bench();
  const s = kernel.kmemCacheCreate("victims", 64, { flags: FZPU });
  const objects = Array.from({ length: 5 }, () => kernel.kmemCacheAlloc(s));
  kernel.kmemCacheFree(s, objects[2] as Address);
  kernel.kmemCacheFreeBulk(s, 5, objects);
  expect(reports.map(({ message }) => message)).toEqual(["Object already free"]);
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
});

describe("a second free of the object on top of the list, hardened", () => {
  test("is refused on the fast path", () => {
    const { kernel } = bench({ hardened: true });
    const s = kernel.kmemCacheCreate("victims", 64);
    const object = kernel.kmemCacheAlloc(s);
    kernel.kmemCacheFree(s, object);
    expect(() => kernel.kmemCacheFree(s, object)).toThrow(/freed twice in a row/);
    expectServes(kernel, s);
  });

  test("is refused on the slow path, before any lock is taken", () => {
    const { kernel } = bench({ hardened: true });
    const s = kernel.kmemCacheCreate("victims", 64);
    const objects = Array.from({ length: 200 }, () => kernel.kmemCacheAlloc(s));
    const [object = 0] = objects;
    kernel.kmemCacheFree(s, object);
    expect(() => kernel.kmemCacheFree(s, object)).toThrow(/freed twice in a row/);
    for (const other of objects.slice(1)) kernel.kmemCacheFree(s, other);
    expectServes(kernel, s);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });
});

test("an address that is no object at all is refused", () => {
  const { kernel } = bench({ hardened: true });
  const large = kernel.kmalloc(20_000);
  expect(() => kernel.kfree(large + 4096)).toThrow(/is no object/);
  kernel.kfree(large);
  expect(() => kernel.kfree(large)).toThrow(/is no object/);
});
