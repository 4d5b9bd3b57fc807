import { expect, test } from "vitest";
import { audit } from "../../src/check/audit.ts";
import { boot, type Kernel, MIB, systemOf } from "../../src/kernel/kernel.ts";
import { GFP_NOWAIT } from "../../src/pages/gfp.ts";

const SYSTEMS = [
  { allocator: "slub", kernel: "4.1" },
  { allocator: "slub", kernel: "6.1" },
  { allocator: "slub", kernel: "6.19" },
  { allocator: "slub", kernel: "7.1" },
  { allocator: "slab", kernel: "4.1" },
  { allocator: "slab", kernel: "6.1" },
] as const;

const options = { cpus: 2, memory: 4 * MIB, maximum: 18 * MIB } as const;

function total(kernel: Kernel): number {
  return kernel.usage().bytes.total;
}

/** Blocks of one size until there are no more. */
function exhaust(kernel: Kernel, bytes: number, gfp?: number): number[] {
  const blocks: number[] = [];
  for (;;) {
    const block = kernel.kmalloc(bytes, gfp);
    if (block === 0) return blocks;
    kernel.view8(block, bytes).fill(blocks.length & 255);
    blocks.push(block);
  }
}

test.each(SYSTEMS)("a memory grows to its maximum as it is used: %o", (system) => {
  const kernel = boot({ ...options, ...system });
  const atFirst = total(kernel);
  expect(atFirst).toBeLessThan(options.memory);
  const objects = exhaust(kernel, 1000);
  const all = total(kernel);
  expect(all).toBeGreaterThan(options.maximum - options.memory);
  expect(objects.length * 1024).toBeGreaterThan(0.9 * all);
  for (const [i, object] of objects.entries()) {
    expect(kernel.view8(object, 1000)[i % 1000]).toBe(i & 255);
    kernel.kfree(object);
  }
  expect(kernel.grow()).toBe(0);
  expect(audit(systemOf(kernel))).toEqual([]);
});

test.each(SYSTEMS)("bulk calls, whole pages and new caches make it grow as well: %o", (system) => {
  const kernel = boot({ ...options, ...system });
  const s = kernel.kmemCacheCreate("bulky", 2000);
  const p: number[] = [];
  expect(kernel.kmemCacheAllocBulk(s, 2500, p)).toBe(2500);
  const block = kernel.kmalloc(2 * MIB);
  expect(block).toBeGreaterThan(0);
  kernel.kfree(block);
  kernel.kmemCacheFreeBulk(s, 2500, p);
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
  expect(audit(systemOf(kernel))).toEqual([]);
});

test("prefilled sheaves and objects of a known cache make it grow as well", () => {
  const kernel = boot({ ...options, kernel: "7.1" });
  const s = kernel.kmemCacheCreate("sheaved", 4000, { sheafCapacity: 28 });
  const sheaves: number[] = [];
  for (const atFirst = total(kernel); total(kernel) === atFirst; ) {
    sheaves.push(kernel.kmemCachePrefillSheaf(s, 20));
    expect(sheaves.at(-1)).toBeGreaterThan(0);
  }
  const objects: number[] = [];
  for (const before = total(kernel); total(kernel) === before; ) {
    objects.push(kernel.kmallocTrace(s, 3000));
    expect(objects.at(-1)).toBeGreaterThan(0);
  }
  for (const before = total(kernel); total(kernel) === before; ) {
    const sheaf = sheaves.shift() as number;
    while (objects.push(kernel.allocFromSheaf(s, sheaf)) && objects.at(-1) !== 0);
    objects.pop();
    sheaves.push(kernel.refillSheaf(s, sheaf, 20));
    expect(sheaves.at(-1)).toBeGreaterThan(0);
  }
  for (const sheaf of sheaves) kernel.returnSheaf(s, sheaf);
  for (const object of objects) kernel.kfree(object);
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
  expect(audit(systemOf(kernel))).toEqual([]);
});

test("grow brings one part after the other, and says how large it is", () => {
  const kernel = boot(options);
  const atFirst = total(kernel);
  const parts: number[] = [];
  for (let bytes = kernel.grow(); bytes > 0; bytes = kernel.grow()) parts.push(bytes);
  expect(parts).toHaveLength(4);
  expect(parts.reduce((a, b) => a + b)).toBe(14 * MIB);
  expect(total(kernel)).toBe(atFirst + 14 * MIB);
});

test("what may not sleep does not make the memory grow", () => {
  const kernel = boot(options);
  const atFirst = total(kernel);
  exhaust(kernel, 4096, GFP_NOWAIT);
  kernel.run(() => {
    kernel.rcuReadLock();
    exhaust(kernel, 4096);
    kernel.rcuReadUnlock();
  });
  expect(total(kernel)).toBe(atFirst);
});

test("a group that is full is no reason to grow", () => {
  const kernel = boot({ ...options, groups: true });
  const group = kernel.group(MIB);
  const atFirst = total(kernel);
  const held = kernel.runIn(group, () => exhaust(kernel, 1000));
  expect(held.length).toBeLessThan(1100);
  expect(total(kernel)).toBe(atFirst);
});

test.each([
  [{ maximum: 3 * MIB }, "maximum: 3145728 is not at least a MiB more"],
  [{ maximum: 4 * MIB + 100 }, "is not at least a MiB more"],
  [{ maximum: Number.NaN }, "maximum"],
  [{ maximum: "64M" }, "maximum"],
  [{ cpus: 8, nodes: 8 }, "memory grows by nodes, and 8 are all"],
  [{ maximum: 1024 * MIB }, "memory must have more bytes where it may grow"],
  [{ maximum: 4096 * MIB }, "maximum: 4294967296 is more than"],
])("%o is refused: %s", (bad, reason) => {
  expect(() => boot({ ...options, ...(bad as object) })).toThrow(reason);
});

test("a memory without a maximum does not grow", () => {
  const kernel = boot({ cpus: 1, memory: 4 * MIB });
  expect(kernel.grow()).toBe(0);
});
