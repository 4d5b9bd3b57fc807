/** Cpu slabs with sheaves for caches that ask for them, as 6.18 and 6.19 have them. */
import { describe, expect, test } from "vitest";
import { audit } from "../../src/check/audit.ts";
import { onSlub } from "../../src/kernel/classes.ts";
import { boot, type Kernel, MIB, systemOf, type ThreadBuild } from "../../src/kernel/kernel.ts";
import { Page, SL_PARTIAL } from "../../src/pages/page.ts";
import { KmemCache, KmemCacheCpu } from "../../src/slub/structs.ts";
import { watched } from "../check/systems.ts";

const FROZEN = 1 << 31;

const machine = { kernel: "6.19", cpus: 4, nodes: 2, memory: 64 * MIB } as const;

const take = (kernel: Kernel, s: number, count: number): number[] =>
  kernel.run(() => Array.from({ length: count }, () => kernel.kmemCacheAlloc(s)), 0);

const giveAll = (kernel: Kernel, s: number, objects: readonly number[]): void =>
  kernel.run(() => {
    for (const object of objects) kernel.kmemCacheFree(s, object);
  }, 0);

function statistic(kernel: Kernel, s: number, name: string): number {
  const { observer } = systemOf(kernel);
  const text = String(observer.attributes.get(name)?.show?.(s));
  return Number.parseInt(text, 10);
}

describe("a cache of 6.19", () => {
  test("has sheaves if it asks for them, of exactly that many objects, and only then", () => {
    const kernel = boot(machine);
    const plain = kernel.kmemCacheCreate("plain200", 200);
    const asking = kernel.kmemCacheCreate("asking200", 200, { sheafCapacity: 5 });
    expect(asking).not.toBe(plain);
    for (const s of [plain, asking]) giveAll(kernel, s, take(kernel, s, 20));
    expect(statistic(kernel, plain, "alloc_cpu_sheaf")).toBe(0);
    expect(statistic(kernel, asking, "alloc_cpu_sheaf")).toBe(20);
    expect(statistic(kernel, asking, "sheaf_capacity")).toBe(5);
    expect(audit(systemOf(kernel))).toEqual([]);
  });

  test.each([
    ["its paths for direct memory", () => boot(machine)],
    ["its paths for any memory", () => watched({ ...machine, memory: 8 * MIB }).kernel],
  ])("zeroes an object of a sheaf if asked, and only then, on %s", (_, booted) => {
    const kernel = booted();
    const s = kernel.kmemCacheCreate("asked200", 200, { sheafCapacity: 8 });
    const stain = (object: number) => kernel.view8(object).fill(7);
    kernel.run(() => {
      const object = kernel.kmemCacheAlloc(s);
      stain(object);
      kernel.kmemCacheFree(s, object);
      expect(kernel.kmemCacheAlloc(s)).toBe(object);
      expect(kernel.view8(object).every((byte) => byte === 0)).toBe(false);
      kernel.kmemCacheFree(s, object);
      expect(kernel.kmemCacheZalloc(s)).toBe(object);
      expect(kernel.view8(object, 200).every((byte) => byte === 0)).toBe(true);
    }, 0);
    expect(statistic(kernel, s, "alloc_cpu_sheaf")).toBeGreaterThan(0);
  });

  test("goes although its barn is full of sheaves, whose objects land on cpu partial lists", () => {
    const kernel = boot(machine);
    const s = kernel.kmemCacheCreate("barn200", 200, { sheafCapacity: 8 });
    giveAll(kernel, s, take(kernel, s, 200));
    expect(statistic(kernel, s, "barn_put")).toBeGreaterThan(5);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });

  test("gets a barn on a node whose memory comes later", () => {
    const kernel = boot({ ...machine, absentNodes: [1] });
    const s = kernel.kmemCacheCreate("late200", 200, { sheafCapacity: 8 });
    expect(kernel.nodeOnline(1)).toBe(0);
    kernel.run(() => {
      const objects = Array.from({ length: 100 }, () => kernel.kmemCacheAlloc(s));
      for (const object of objects) kernel.kmemCacheFree(s, object);
    }, 3);
    expect(statistic(kernel, s, "free_cpu_sheaf")).toBe(100);
    expect(audit(systemOf(kernel))).toEqual([]);
  });

  test("without sheaves warns where a prefilled one is asked for, and gives an oversize one", () => {
    const kernel = boot(machine);
    const s = kernel.kmemCacheCreate("sheafless200", 200);
    const told: string[] = [];
    systemOf(kernel).machine.console.sink = (line) => told.push(line);
    const sheaf = kernel.kmemCachePrefillSheaf(s, 3);
    expect(told.join()).toContain("has no sheaves");
    const objects = Array.from({ length: 4 }, () => kernel.allocFromSheaf(s, sheaf));
    expect(objects.filter((object) => object !== 0)).toHaveLength(3);
    kernel.returnSheaf(s, sheaf);
  });

  test("is zeroed by init_on_free before an object lies in a sheaf", () => {
    const kernel = boot({ ...machine, initOnFree: true });
    const s = kernel.kmemCacheCreate("zeroed200", 200, { sheafCapacity: 8 });
    const object = kernel.kmemCacheAlloc(s);
    kernel.view8(object).fill(7);
    kernel.kmemCacheFree(s, object);
    const { memory } = systemOf(kernel);
    expect([memory.read32(object), memory.read32(object + 192)]).toEqual([0, 0]);
  });
});

/** A machine on which objects have come and gone, and a cache with slabs on CPU 1's partial list. */
function used(change?: ThreadBuild["change"]): { kernel: Kernel; plain: number } {
  const kernel = boot(machine, change === undefined ? {} : { change });
  const s = kernel.kmemCacheCreate("audited200", 200, { sheafCapacity: 8 });
  const plain = kernel.kmemCacheCreate("plain200", 200);
  const others = take(kernel, plain, 300);
  giveAll(kernel, s, take(kernel, s, 300).slice(100));
  kernel.run(() => {
    for (const object of others.slice(60)) kernel.kmemCacheFree(plain, object);
  }, 1);
  return { kernel, plain };
}

const findings = (kernel: Kernel): string[] =>
  audit(systemOf(kernel)).map(({ failure }) => failure);

describe("the audit of 6.19", () => {
  test("has nothing to say of SLUB as it is", () => {
    expect(findings(used().kernel)).toEqual([]);
  });

  test("sees a slab of a cpu partial list that is frozen, as it was until 6.8", () => {
    const freezing = onSlub((classes) => ({
      CpuPartial: class extends classes.CpuPartial {
        override put(s: number, page: number): void {
          this.memory.add(page + Page.counters, FROZEN);
          super.put(s, page);
        }
      },
    }));
    expect(findings(used(freezing).kernel)).toContain("stuck-frozen-slab");
  });

  test("sees a slab that is marked as listed and is not", () => {
    const { kernel, plain } = used();
    const { memory } = systemOf(kernel);
    const c = memory.perCpuPtr(memory.read32(plain + KmemCache.cpuSlab), 1);
    const page = memory.read32(c + KmemCacheCpu.partial);
    expect(page).not.toBe(0);
    memory.add(page + Page.flags, SL_PARTIAL);
    expect(findings(kernel)).toEqual(["list-corruption"]);
  });
});
