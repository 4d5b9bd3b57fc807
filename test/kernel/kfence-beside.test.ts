/** KFENCE beside KASAN, and beside memory groups. */
import { expect, test } from "vitest";
import type { KernelVersion } from "../../src/caches/kernel-version.ts";
import { KfenceMeta } from "../../src/caches/kfence/pool.ts";
import { audit } from "../../src/check/audit.ts";
import { type AllocatorName, boot, type Kernel, MIB } from "../../src/kernel/index.ts";
import { systemOf } from "../../src/kernel/kernel.ts";

const KERNELS = [
  ["slub", "6.1"],
  ["slab", "6.1"],
  ["slub", "6.19"],
  ["slub", "7.1"],
] as const satisfies readonly (readonly [AllocatorName, KernelVersion])[];

/** Every other allocation is guarded. */
const OTHERS = { cpus: 1, memory: 8 * MIB, kfence: { sampleInterval: 2, numObjects: 63 } };

const isGuarded = (kernel: Kernel, object: number) =>
  systemOf(kernel).common.kfence?.pool.has(object) ?? false;

function reported(kernel: Kernel): () => string[] {
  const lines: string[] = [];
  kernel.debug.onConsole((line) => lines.push(line));
  return () => lines.flatMap((line) => /^BUG: (K\w+: \S+)/.exec(line)?.[1] ?? []);
}

/** Some objects of each kind. */
function objectsOf(kernel: Kernel, size: number): { guarded: number[]; plain: number[] } {
  const objects = Array.from({ length: 12 }, () => kernel.kmalloc(size));
  const guarded = objects.filter((object) => isGuarded(kernel, object));
  const plain = objects.filter((object) => !isGuarded(kernel, object));
  expect(Math.min(guarded.length, plain.length)).toBeGreaterThan(4);
  return { guarded, plain };
}

test.each(KERNELS)(
  "KASAN reports on objects of slabs, KFENCE on those of its pool (%s, %s)",
  (allocator, version) => {
    const kernel = boot({ ...OTHERS, allocator, kernel: version, kasan: true });
    const types = reported(kernel);
    const { guarded, plain } = objectsOf(kernel, 100);
    for (const object of [...guarded, ...plain]) kernel.view8(object).fill(1);
    expect(types()).toEqual([]);
    const [ours, theirs] = [guarded[0] ?? 0, plain[0] ?? 0].map((at) => kernel.view8(at));
    for (const object of [...guarded, ...plain]) kernel.kfree(object);
    expect(types()).toEqual([]);
    expect([ours?.[50], theirs?.[50]]).toEqual([1, 1]);
    const late = version === "6.1" ? "use-after-free" : "slab-use-after-free";
    expect(types()).toEqual(["KFENCE: use-after-free", `KASAN: ${late}`]);
    expect(kernel.debug.badAccesses).toBe(2);
    expect(audit(systemOf(kernel))).toEqual([]);
  },
);

test("a guarded object waits in no quarantine, and its second free is KFENCE's report", () => {
  const kernel = boot({ ...OTHERS, kernel: "6.1", kasan: true });
  const types = reported(kernel);
  const { guarded, plain } = objectsOf(kernel, 100);
  const quarantine = systemOf(kernel).common.kasan?.quarantine;
  kernel.kfree(guarded[0] ?? 0);
  expect(quarantine?.bytes).toBe(0);
  kernel.kfree(plain[0] ?? 0);
  expect(quarantine?.bytes).toBeGreaterThan(0);
  kernel.kfree(guarded[0] ?? 0);
  kernel.kfree(plain[0] ?? 0);
  expect(types()).toEqual(["KFENCE: invalid", "KASAN: double-free"]);
});

test("krealloc in place leaves a guarded object as large as it was", () => {
  const kernel = boot({ ...OTHERS, kernel: "6.1", kasan: true });
  const types = reported(kernel);
  const { guarded } = objectsOf(kernel, 100);
  const object = guarded[0] ?? 0;
  const view = kernel.view8(object);
  expect(kernel.krealloc(object, 50)).toBe(object);
  view[99] = 1;
  kernel.kfree(object);
  expect(types()).toEqual([]);
});

test.each(KERNELS)(
  "a guarded object is charged to the group of its task until it is free (%s, %s)",
  (allocator, version) => {
    const kernel = boot({ ...OTHERS, allocator, kernel: version, groups: true });
    const group = kernel.group(MIB);
    const objects = group.run(() => objectsOf(kernel, 900));
    expect(audit(systemOf(kernel))).toEqual([]);
    const { pool } = systemOf(kernel).common.kfence ?? {};
    const owners = (some: readonly number[]) =>
      some.map((at) =>
        systemOf(kernel).memory.read32((pool?.metaOf(at) ?? 0) + KfenceMeta.objExts),
      );
    expect(owners(objects.guarded)).not.toContain(0);
    for (const object of objects.guarded) kernel.kfree(object);
    expect(owners(objects.guarded)).toEqual(objects.guarded.map(() => 0));
    for (const object of objects.plain) kernel.kfree(object);
    expect(audit(systemOf(kernel))).toEqual([]);
  },
);

test("a guarded object whose cache is destroyed is nobody's", () => {
  const kernel = boot({ ...OTHERS, kernel: "7.1", kfence: { sampleInterval: 1 }, groups: true });
  const group = kernel.group(MIB);
  const s = kernel.kmemCacheCreate("forgotten", 64);
  group.run(() => kernel.kmemCacheAlloc(s));
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
  expect(audit(systemOf(kernel))).toEqual([]);
});

test("KFENCE leaves lock debugging on, and the first report of KASAN turns it off", () => {
  const kernel = boot({ ...OTHERS, kernel: "6.1", kasan: true });
  const lines: string[] = [];
  kernel.debug.onConsole((line) => lines.push(line));
  const { guarded, plain } = objectsOf(kernel, 100);
  const twice = (object = 0) => {
    for (let i = 0; i < 2; i++) kernel.kfree(object);
  };
  twice(guarded[0]);
  twice(plain[0]);
  twice(plain[1]);
  const told = /^BUG: K\w+|Tainted: G {4}B|Not tainted|^Disabling lock debugging/;
  expect(lines.flatMap((line) => told.exec(line) ?? [])).toEqual([
    "BUG: KFENCE",
    "Not tainted",
    "BUG: KASAN",
    "Tainted: G    B",
    "Disabling lock debugging",
    "BUG: KASAN",
    "Tainted: G    B",
  ]);
});
