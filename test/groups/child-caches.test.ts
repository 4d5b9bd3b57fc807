/** Memory groups of Linux 4.1: child caches, their pages, their end. */
import { expect, test } from "vitest";
import { audit } from "../../src/check/audit.ts";
import { boot, type Kernel, MIB, systemOf } from "../../src/kernel/kernel.ts";
import type { Address } from "../../src/machine/memory.ts";
import { slabinfoRows } from "../../src/sysfs/slabinfo.ts";
import { SlabSysfs } from "../../src/sysfs/sysfs.ts";

const PAGE = 4096;

function machine(): Kernel {
  return boot({
    cpus: 2,
    memory: 8 * MIB,
    kernel: "4.1",
    groups: true,
    parameters: { slub_max_order: 0, slab_nomerge: true },
  });
}

const names = (kernel: Kernel): string[] =>
  systemOf(kernel)
    .common.caches()
    .map((s) => systemOf(kernel).common.nameOf(s));

const findings = (kernel: Kernel) => {
  kernel.run(() => {
    const { groups } = systemOf(kernel).common;
    groups?.work();
    kernel.rcuBarrier();
    groups?.work();
    kernel.rcuBarrier();
  });
  return audit(systemOf(kernel));
};

test("the first object of a group is of the root cache, the next one of the group's own", () => {
  const kernel = machine();
  const s = kernel.kmemCacheCreate("four", 1024);
  const group = kernel.group(64 * PAGE, { name: "web" });
  const alloc = (): Address => kernel.kmemCacheAlloc(s);
  const first = group.run(alloc);
  expect(names(kernel)).toContain("four(2:web)");
  expect(group.usage).toBe(0);
  const second = group.run(alloc);
  expect(group.usage).toBe(PAGE);
  kernel.kmemCacheFree(s, first);
  kernel.kmemCacheFree(s, second);
  expect(findings(kernel)).toEqual([]);
});

test("no more than the limit can be had, and what is given back can be had again", () => {
  const kernel = machine();
  const s = kernel.kmemCacheCreate("four", 1024);
  const group = kernel.group(2 * PAGE);
  const objects = group.run(() => [kernel.kmemCacheAlloc(s)]);
  group.run(() => {
    for (let i = 0; i < 20; i++) objects.push(kernel.kmemCacheAlloc(s));
  });
  expect(objects.filter((object) => object !== 0)).toHaveLength(9);
  expect([group.usage, group.max]).toEqual([2 * PAGE, 2 * PAGE]);
  expect(group.failcnt).toBeGreaterThan(0);
  for (const object of objects) kernel.kfree(object);
  const again = group.run(() => Array.from({ length: 8 }, () => kernel.kmemCacheAlloc(s)));
  expect(again).not.toContain(0);
  expect(findings(kernel)).toEqual([]);
});

test("a killed group's cache lives as long as one object of it, and keeps no empty slab", () => {
  const kernel = machine();
  const s = kernel.kmemCacheCreate("four", 1024);
  const group = kernel.group();
  group.run(() => kernel.kfree(kernel.kmemCacheAlloc(s)));
  const objects = group.run(() => Array.from({ length: 12 }, () => kernel.kmemCacheAlloc(s)));
  expect(group.usage).toBe(3 * PAGE);
  expect(group.kill()).toBe(0);
  expect(names(kernel)).toContain("four(2:group)");
  for (const object of objects) kernel.kfree(object);
  expect(findings(kernel)).toEqual([]);
  expect(names(kernel)).not.toContain("four(2:group)");
});

test("a cache takes what it noted of groups along, and so does a group's", () => {
  const kernel = machine();
  const inUse = (): number => {
    for (const s of systemOf(kernel).common.caches()) kernel.kmemCacheShrink(s);
    const kmalloc = kernel.usage().caches.filter(({ name }) => name.startsWith("kmalloc-"));
    return kmalloc.reduce((sum, { objects }) => sum + objects, 0);
  };
  const comeAndGo = (): void => {
    const s = kernel.kmemCacheCreate("four", 1024);
    const group = kernel.group();
    group.run(() => [0, 0].map(() => kernel.kmemCacheFree(s, kernel.kmemCacheAlloc(s))));
    expect(group.kill()).toBe(0);
    expect(findings(kernel)).toEqual([]);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  };
  comeAndGo();
  const before = inUse();
  comeAndGo();
  expect(inUse()).toBe(before);
});

test("what a root's file is told its groups' caches are told, before and after they are made", () => {
  const kernel = machine();
  const s = kernel.kmemCacheCreate("four", 1024);
  const sysfs = new SlabSysfs(systemOf(kernel));
  const use = () =>
    [kernel.kmemCacheAlloc(s), kernel.kmemCacheAlloc(s)].forEach(kernel.kfree, kernel);
  kernel.group().run(use);
  kernel.run(() => sysfs.write("four", "min_partial", "7"));
  kernel.group().run(use);
  const read = (name: string) => kernel.run(() => sysfs.read(name, "min_partial"));
  expect(read("four/cgroup/four(2:group)")).toBe("7\n");
  expect(read("four/cgroup/four(3:group)")).toBe("7\n");
});

test("slabinfo counts a group's cache with its root, and both go when the root is destroyed", () => {
  const kernel = machine();
  const s = kernel.kmemCacheCreate("four", 1024);
  const group = kernel.group();
  const objects = group.run(() => Array.from({ length: 5 }, () => kernel.kmemCacheAlloc(s)));
  const rows = kernel.run(() => slabinfoRows(systemOf(kernel)));
  expect(rows.filter(({ name }) => name.startsWith("four"))).toMatchObject([
    { name: "four", numObjs: 8, numSlabs: 2 },
  ]);
  expect(kernel.kmemCacheDestroy(s)).not.toBe(0);
  for (const object of objects) kernel.kmemCacheFree(s, object);
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
  expect(names(kernel).filter((name) => name.startsWith("four"))).toEqual([]);
  expect(findings(kernel)).toEqual([]);
});
