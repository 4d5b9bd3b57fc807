/** CPUs and the memory of nodes come and go, and nothing stays behind. */
import { describe, expect, test } from "vitest";
import { EBUSY, EINVAL } from "../../src/caches/errno.ts";
import { SLAB_TYPESAFE_BY_RCU } from "../../src/caches/flags.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { attach, type Kernel, systemOf, threadOf } from "../../src/kernel/kernel.ts";
import type { Address } from "../../src/machine/memory.ts";
import { GFP_KERNEL } from "../../src/pages/gfp.ts";
import type { Slab } from "../../src/slab/slab.ts";
import { KmemCacheNode } from "../../src/slab/structs.ts";
import { type Watched, watched } from "../check/systems.ts";

const FORMS = [
  { allocator: "slub", kernel: "4.1" },
  { allocator: "slab", kernel: "4.1" },
  { allocator: "slab", kernel: "6.1" },
] as const satisfies readonly BootOptions[];

function objects(kernel: Kernel, s: number, count: number, cpu: number): Address[] {
  return kernel.run(() => Array.from({ length: count }, () => kernel.kmemCacheAlloc(s)), cpu);
}

function freeAll(kernel: Kernel, all: readonly Address[], cpu: number): void {
  kernel.run(() => {
    for (const object of all) kernel.kfree(object);
  }, cpu);
}

/** Free pages once every cache was shrunk and every per-CPU list emptied. */
function settled({ kernel }: Watched): number {
  kernel.run(() => {
    for (const s of systemOf(kernel).common.caches()) kernel.kmemCacheShrink(s);
    kernel.rcuBarrier();
    systemOf(kernel).pages.drainAllPages();
  });
  return systemOf(kernel).pages.freePagesTotal();
}

describe.each(FORMS)("$allocator of $kernel: a CPU", (form) => {
  test("that goes leaves no slab, no queue, no page behind", () => {
    const it = watched({ ...form, cpus: 4, nodes: 2 });
    const { kernel } = it;
    const s = kernel.kmemCacheCreate("tested", 256, { flags: SLAB_TYPESAFE_BY_RCU });
    const held = [2, 3].flatMap((cpu) => objects(kernel, s, 100, cpu));
    freeAll(kernel, held.splice(50, 70), 3);
    expect(kernel.cpuDown(3)).toBe(0);
    expect(kernel.onlineCpus()).toEqual([0, 1, 2]);
    expect(it.findings()).toEqual([]);
    expect(kernel.cpuDown(2)).toBe(0);
    expect(it.findings()).toEqual([]);
    freeAll(kernel, held, 0);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });

  test("that comes back is used again", () => {
    const it = watched({ ...form, cpus: 2, nodes: 2 });
    const { kernel } = it;
    const s = kernel.kmemCacheCreate("tested", 64);
    const before = settled(it);
    for (let i = 0; i < 5; i++) {
      expect(kernel.cpuDown(1)).toBe(0);
      expect(kernel.cpuUp(1)).toBe(0);
      freeAll(kernel, objects(kernel, s, 200, 1), 0);
    }
    expect(it.findings()).toEqual([]);
    expect(settled(it)).toBe(before);
  });

  test("has its RCU callbacks run before it is gone", () => {
    const { kernel, findings } = watched({ ...form, cpus: 2 });
    const s = kernel.kmemCacheCreate("tested", 64);
    const all = objects(kernel, s, 30, 1);
    kernel.run(() => {
      for (const object of all) kernel.kfreeRcu(object);
      expect(kernel.cpuDown(1)).toBe(0);
    }, 1);
    expect(findings()).toEqual([]);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });
});

describe("the audit finds what a CPU that is gone has left behind", () => {
  /** A system whose CPU 1 went offline and the allocator was not told. */
  function gone(form: BootOptions): string[] {
    const it = watched({ ...form, cpus: 2 });
    const s = it.kernel.kmemCacheCreate("tested", 256);
    freeAll(it.kernel, objects(it.kernel, s, 30, 1), 1);
    it.kernel.run(() => {
      const page = systemOf(it.kernel).pages.allocPages(GFP_KERNEL, 0, 0);
      systemOf(it.kernel).pages.freePages(page, 0);
    }, 1);
    it.kernel.run(() => systemOf(it.kernel).machine.presence.vacate(1), 0);
    return it.failures();
  }

  test.each(FORMS)("$allocator of $kernel", (form) => {
    expect(gone(form)).toEqual([
      "leaked-page",
      form.allocator === "slub" ? "stuck-frozen-slab" : "lost-object",
    ]);
  });
});

describe("a task that runs as the CPU that goes offline", () => {
  test("goes on as another CPU if it takes its own CPU offline", () => {
    const { kernel } = watched({ cpus: 2 });
    kernel.run(() => {
      expect(kernel.cpuDown(0)).toBe(0);
      expect(threadOf(kernel).smpProcessorId()).toBe(1);
    }, 0);
  });

  test("leaves at its next call, not in a read-side section", () => {
    const { kernel } = watched({ cpus: 2 });
    const other = attach(kernel.shared);
    other.run(() => {
      threadOf(kernel).waitLimit = 50;
      other.rcuReadLock();
      expect(() => kernel.cpuDown(1)).toThrow(/deadlock: CPU 1/);
      other.rcuReadUnlock();
    }, 1);
  });

  test("cannot be on a CPU that is gone", () => {
    const { kernel } = watched({ cpus: 2 });
    kernel.cpuDown(1);
    expect(() => kernel.run(() => undefined, 1, 10)).toThrow("found no CPU in 10 ms");
    expect(kernel.cpuUp(1)).toBe(0);
    kernel.run(() => expect(threadOf(kernel).smpProcessorId()).toBe(1), 1);
  });
});

test("the last CPU cannot go offline, nor can a CPU that is offline", () => {
  const { kernel } = watched({ cpus: 2 });
  expect(kernel.cpuDown(5)).toBe(-EINVAL);
  expect(kernel.cpuUp(1)).toBe(-EINVAL);
  expect(kernel.cpuDown(0)).toBe(0);
  expect(kernel.cpuDown(0)).toBe(-EINVAL);
  expect(kernel.cpuDown(1)).toBe(-EBUSY);
  expect(kernel.onlineCpus()).toEqual([1]);
});

test("caches are made, shrunk and destroyed while CPUs are gone", () => {
  const it = watched({ cpus: 4 });
  it.kernel.cpuDown(2);
  const s = it.kernel.kmemCacheCreate("tested", 100);
  freeAll(it.kernel, objects(it.kernel, s, 50, 1), 0);
  it.kernel.cpuUp(2);
  freeAll(it.kernel, objects(it.kernel, s, 50, 2), 0);
  it.kernel.cpuDown(2);
  expect(it.kernel.kmemCacheShrink(s)).toBe(0);
  expect(it.kernel.kmemCacheDestroy(s)).toBe(0);
  expect(it.findings()).toEqual([]);
});

test("SLAB: free_limit falls by a batch with each CPU, and is what 5.10 makes it when one comes", () => {
  const { kernel } = watched({ allocator: "slab", kernel: "6.1", cpus: 3 });
  const s = kernel.kmemCacheCreate("tested", 256);
  const { context } = systemOf(kernel).allocator as Slab;
  const limit = (): number =>
    systemOf(kernel).memory.read32(context.nodeOf(s, 0) + KmemCacheNode.freeLimit);
  expect(limit()).toBe((1 + 3) * 60 + 16);
  kernel.cpuDown(2);
  expect(limit()).toBe((1 + 2) * 60 + 16);
  // slab_prepare_cpu runs before the CPU is counted.
  kernel.cpuUp(2);
  expect(limit()).toBe((1 + 2) * 60 + 16);
});

describe.each(FORMS)("$allocator of $kernel: a node's memory", (form) => {
  const absentNodes = [1];

  test("that was not there at boot comes, is used, and goes again", () => {
    const it = watched({ ...form, cpus: 2, nodes: 2, absentNodes });
    const { kernel } = it;
    const s = kernel.kmemCacheCreate("tested", 256);
    freeAll(kernel, objects(kernel, s, 50, 1), 0);
    expect(systemOf(kernel).pages.nrFree(1)).toBe(0);
    expect(kernel.nodeOnline(1)).toBe(0);
    const there = kernel.run(() => kernel.kmemCacheAllocNode(s, GFP_KERNEL, 1), 0);
    expect(systemOf(kernel).pages.pageToNid(systemOf(kernel).pages.virtToHeadPage(there))).toBe(1);
    expect(kernel.nodeOffline(1)).toBe(-EBUSY);
    kernel.kfree(there);
    // SLAB sees only that the object is out, in some queue: it asks for nothing to be drained.
    if (form.allocator === "slab") expect(kernel.nodeOffline(1)).toBe(-EBUSY);
    for (const cache of systemOf(kernel).common.caches()) kernel.kmemCacheShrink(cache);
    expect(kernel.nodeOffline(1)).toBe(0);
    expect(systemOf(kernel).pages.nrFree(1)).toBe(0);
    const elsewhere = kernel.run(() => kernel.kmemCacheAllocNode(s, GFP_KERNEL, 1), 1);
    expect(systemOf(kernel).pages.pageToNid(systemOf(kernel).pages.virtToHeadPage(elsewhere))).toBe(
      0,
    );
    kernel.kfree(elsewhere);
    expect(it.findings()).toEqual([]);
    expect(kernel.nodeOnline(1)).toBe(0);
    expect(it.findings()).toEqual([]);
  });

  test("is refused while objects remain, and can be had as before", () => {
    const { kernel, findings } = watched({ ...form, cpus: 2, nodes: 2 });
    const free = systemOf(kernel).pages.nrFree(0);
    expect(kernel.nodeOffline(0)).toBe(-EBUSY);
    expect(systemOf(kernel).pages.hasMemory(0)).toBe(true);
    expect(systemOf(kernel).pages.nrFree(0)).toBeGreaterThanOrEqual(free);
    expect(kernel.nodeOffline(7)).toBe(-EINVAL);
    expect(kernel.nodeOnline(0)).toBe(-EINVAL);
    expect(findings()).toEqual([]);
  });
});
