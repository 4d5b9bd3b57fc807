/** Memory groups since Linux 5.9: objects charged by their bytes, stocks, what a killed group leaves. */
import { describe, expect, test } from "vitest";
import type { AllocatorName } from "../../src/caches/flags.ts";
import type { KernelVersion } from "../../src/caches/kernel-version.ts";
import { audit } from "../../src/check/audit.ts";
import { boot, type Kernel, MIB, systemOf } from "../../src/kernel/kernel.ts";

const PAGE = 4096;

function machine(allocator: AllocatorName, kernel: KernelVersion): Kernel {
  const parameters = { slab_nomerge: true };
  return boot({ cpus: 2, memory: 8 * MIB, allocator, kernel, groups: true, parameters });
}

function findings(kernel: Kernel) {
  kernel.run(() => {
    systemOf(kernel).common.groups?.work();
    kernel.rcuBarrier();
    systemOf(kernel).common.groups?.work();
    kernel.rcuBarrier();
  });
  return audit(systemOf(kernel));
}

describe.each([
  ["slub", "6.1"],
  ["slab", "6.1"],
  ["slub", "6.19"],
  ["slub", "7.1"],
] as const)("%s %s", (allocator, version) => {
  test("an object is charged by its bytes and its entry, and a limit holds", () => {
    const kernel = machine(allocator, version);
    const group = kernel.group(4 * PAGE);
    const objects = group.run(() => Array.from({ length: 100 }, () => kernel.kmalloc(512)));
    const had = objects.filter((object) => object !== 0);
    expect(had).toHaveLength(Math.floor((4 * PAGE) / 520));
    expect([group.usage, group.limit]).toEqual([4 * PAGE, 4 * PAGE]);
    expect(group.failcnt).toBeGreaterThan(0);
    expect(findings(kernel)).toEqual([]);
    for (const object of had) kernel.kfree(object);
    expect(group.usage).toBeLessThanOrEqual(PAGE);
    expect(findings(kernel)).toEqual([]);
  });

  test("what a killed group leaves is its parent's, and its own objects can be freed by anybody", () => {
    const kernel = machine(allocator, version);
    const above = kernel.group(64 * PAGE, { name: "above" });
    const group = kernel.group(32 * PAGE, { name: "below", above });
    const objects = group.run(() => Array.from({ length: 30 }, () => kernel.kmalloc(1024)));
    const pages = group.run(() => kernel.kmalloc(20_000));
    const bulk: number[] = [];
    const s = kernel.kmemCacheCreate("own", 200);
    expect(group.run(() => kernel.kmemCacheAllocBulk(s, 10, bulk))).toBe(10);
    const { usage } = above;
    expect(usage).toBeGreaterThan(15 * PAGE);
    expect(above.kill()).not.toBe(0);
    expect(group.kill()).toBe(0);
    expect(above.usage).toBe(usage);
    expect(findings(kernel)).toEqual([]);
    for (const object of [...objects, pages]) kernel.kfree(object);
    kernel.kmemCacheFreeBulk(s, 10, bulk);
    expect(findings(kernel)).toEqual([]);
    expect(above.usage).toBeLessThanOrEqual(PAGE);
    expect(above.kill()).toBe(0);
    expect(findings(kernel)).toEqual([]);
  });
});
