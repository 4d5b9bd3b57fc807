/** The word by which a CPU's private list is told from all that it was before. */
import { expect, test } from "vitest";
import { systemOf } from "../../src/kernel/kernel.ts";
import { KmemCache, KmemCacheCpu, TID_STEP } from "../../src/slub/structs.ts";
import { SlabSysfs } from "../../src/sysfs/sysfs.ts";
import { watched } from "../check/systems.ts";

const CPUS = [0, 1, 2];

function withCache() {
  const system = watched({ cpus: CPUS.length });
  const { kernel, memory } = system;
  const s = kernel.kmemCacheCreate("followed", 1024);
  const tid = (cpu: number): number =>
    memory.read32(memory.perCpuPtr(memory.read32(s + KmemCache.cpuSlab), cpu) + KmemCacheCpu.tid);
  return { ...system, s, tid };
}

test("a CPU's tid begins with the CPU's number, and no operation of another CPU moves it", () => {
  const { kernel, s, tid } = withCache();
  expect(CPUS.map(tid)).toEqual(CPUS);
  kernel.run(() => kernel.kmemCacheFree(s, kernel.kmemCacheAlloc(s)), 1);
  expect([tid(0), tid(2)]).toEqual([0, 2]);
  expect(tid(1) % TID_STEP).toBe(1);
});

test("tid moves with each object that comes or goes, and once more where a slab is given up", () => {
  const { kernel, s, tid } = withCache();
  const moves = (act: () => void): number => {
    const before = tid(0);
    kernel.run(act, 0);
    return (tid(0) - before) / TID_STEP;
  };
  const objects: number[] = [];
  const take = () => objects.push(kernel.kmemCacheAlloc(s));
  expect(moves(take)).toBe(1);
  expect(moves(take)).toBe(1);
  expect(moves(() => kernel.kmemCacheFree(s, objects.pop() ?? 0))).toBe(1);
  expect(moves(() => kernel.kmemCacheShrink(s))).toBe(1);
});

test("a swap that an interrupt has spoilt is counted, and done once more", () => {
  const { kernel, memory, s, findings } = withCache();
  const held = kernel.run(() => [kernel.kmemCacheAlloc(s), kernel.kmemCacheAlloc(s)], 0);
  kernel.run(() => {
    for (const object of held) kernel.kmemCacheFree(s, object);
  }, 0);
  const sysfs = new SlabSysfs(systemOf(kernel));
  const failures = () => kernel.run(() => sysfs.read("followed", "cmpxchg_double_cpu_fail"), 0);
  expect(failures()).toBe("0\n");
  for (let access = 1; failures() === "0\n"; access++) {
    kernel.run(() => {
      memory.plan(access, () =>
        memory.asInterrupt(() => kernel.kmemCacheFree(s, kernel.kmemCacheAlloc(s))),
      );
      const object = kernel.kmemCacheAlloc(s);
      expect(memory.hasActed).toBe(true);
      memory.forget();
      kernel.kmemCacheFree(s, object);
    }, 0);
  }
  expect(failures()).toBe("1 C0=1\n");
  expect(findings()).toEqual([]);
});
