import { describe, expect, test } from "vitest";
import { Ledger, ledgerBytes } from "../../src/check/ledger.ts";
import { boot, MIB, systemOf, threadOf } from "../../src/kernel/kernel.ts";
import { cacheOfFour, failureOf, give, OBJECT_BYTES, OBJECTS, take, watched } from "./systems.ts";

function system() {
  const watch = watched();
  const s = cacheOfFour(watch);
  return { watch, s, ...watch };
}

function messageOf(act: () => void): string {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

describe("the ledger", () => {
  test("knows every object that is held, the allocator's own included", () => {
    const { watch, s, ledger, kernel } = system();
    const [object = 0] = take(watch, s, 1);
    expect(ledger.isLive(object)).toBe(true);
    // struct kmem_cache of the new cache, and the node struct that was cut by hand at boot.
    expect(ledger.isLive(s)).toBe(true);
    expect(ledger.isLive(watch.slub.context.nodeOf(watch.slub.bootstrap.kmemCacheNode, 0))).toBe(
      true,
    );
    kernel.kfree(object);
    expect(ledger.isLive(object)).toBe(false);
  });

  test("enters bulk calls object by object", () => {
    const { s, ledger, kernel } = system();
    const p: number[] = [];
    expect(kernel.kmemCacheAllocBulk(s, 7, p)).toBe(7);
    const objects = [...p];
    expect(objects.every((object) => ledger.isLive(object))).toBe(true);
    kernel.kmemCacheFreeBulk(s, 7, p);
    expect(objects.some((object) => ledger.isLive(object))).toBe(false);
  });

  test("leaves whole pages out of a bulk free without a cache", () => {
    const { watch, s, ledger, kernel } = system();
    const [object = 0] = take(watch, s, 1);
    kernel.kmemCacheFreeBulk(0, 3, [kernel.kmalloc(20_000), object, kernel.kmalloc(9_000)]);
    expect(ledger.isLive(object)).toBe(false);
    expect(watch.findings()).toEqual([]);
  });

  test("holds nothing of a bulk allocation that failed", () => {
    const { watch, s, kernel } = system();
    expect(kernel.kmemCacheAllocBulk(s, 10_000, [])).toBe(0);
    expect(watch.findings()).toEqual([]);
  });

  test("names both parties when an object is freed twice", () => {
    const { watch, s, kernel } = system();
    const [object = 0] = take(watch, s, 1, 1);
    give(watch, [object], 0);
    const again = () => give(watch, [object], 1);
    expect(failureOf(again)).toBe("double-free");
    const message = messageOf(again);
    expect(message).toContain(`0x${object.toString(16)} of four`);
    expect(message).toMatch(/freed by task 0 on CPU 1 .* but task 0 on CPU 0 .* has given it back/);
    expect(threadOf(kernel)).toBe(watch.memory);
  });

  test("sees an object freed twice in one bulk call", () => {
    const { watch, s, kernel } = system();
    const [object = 0] = take(watch, s, 1);
    expect(failureOf(() => kernel.kmemCacheFreeBulk(s, 2, [object, object]))).toBe("double-free");
  });

  test("sees what was never handed out being freed", () => {
    const { watch, s, kernel } = system();
    const [object = 0] = take(watch, s, 1);
    expect(messageOf(() => kernel.kfree(object + 64))).toMatch(/nobody ever had it/);
  });

  test("names both parties when an object is handed out twice", () => {
    const { watch, s } = system();
    const [first = 0] = take(watch, s, 2, 1);
    // The free list of CPU 1 leads back to an object in use.
    const c = watch.memory.perCpuPtr(watch.memory.read32(s), 1);
    watch.memory.write32(c, first);
    expect(messageOf(() => take(watch, s, 1, 1))).toMatch(
      /handed to task 0 on CPU 1 .* but task 0 on CPU 1 .* holds it/,
    );
    watch.memory.write32(c, first);
    expect(failureOf(() => take(watch, s, 1, 1))).toBe("double-allocation");
  });

  test("sees any byte of a painted object that somebody else writes, and no other", () => {
    const { watch, s, ledger, memory } = system();
    const objects = take(watch, s, OBJECTS);
    for (const object of objects) ledger.paint(object, OBJECT_BYTES);
    const [object = 0] = objects;
    memory.write8(object + 777, memory.read8(object + 777) ^ 1);
    expect(messageOf(() => ledger.verify(object, OBJECT_BYTES))).toMatch(
      /Object 0x\w+ of four was written at offset 777 while task 0 on CPU 0 .* holds it/,
    );
    expect(failureOf(() => ledger.verify(object, OBJECT_BYTES))).toBe("use-after-free");
    for (const other of objects.slice(1)) ledger.verify(other, OBJECT_BYTES);
  });

  test("paints an object anew for each holder", () => {
    const { watch, s, ledger, memory } = system();
    const colours = new Set<number>();
    for (let i = 0; i < 20; i++) {
      const [object = 0] = take(watch, s, 1);
      ledger.paint(object, 8);
      colours.add(memory.read8(object));
      give(watch, [object]);
    }
    expect(colours.size).toBeGreaterThan(10);
  });

  test("sees a slab given back with an object in use", () => {
    const { watch, s, kernel, slub } = system();
    const [object = 0] = take(watch, s, 1);
    const page = systemOf(kernel).pages.virtToHeadPage(object);
    expect(messageOf(() => kernel.run(() => slub.slabPages.discard(s, page)))).toMatch(
      /slab 0x\w+ of four is given back with object 0x\w+ in use/,
    );
  });

  test("refuses a machine without room for it", () => {
    const small = boot({ memory: 4 * MIB, cpus: 1, checker: ledgerBytes(3 * MIB) });
    expect(() => new Ledger(systemOf(small).common)).toThrow(/needs checker: \d+, not \d+/);
  });
});
