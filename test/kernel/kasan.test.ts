import { expect, test } from "vitest";
import { kasanCacheCreate } from "../../src/caches/kasan/layout.ts";
import type { KernelVersion } from "../../src/caches/kernel-version.ts";
import { KmemCacheBase } from "../../src/caches/kmem-cache.ts";
import {
  type AllocatorName,
  attach,
  boot,
  defineStruct,
  type Kernel,
  MIB,
} from "../../src/kernel/index.ts";
import { systemOf } from "../../src/kernel/kernel.ts";

const KERNELS = [
  ["slub", "4.1"],
  ["slub", "6.1"],
  ["slab", "6.1"],
  ["slub", "6.19"],
  ["slub", "7.1"],
] as const satisfies readonly (readonly [AllocatorName, KernelVersion])[];
const LATER = KERNELS.slice(1);

interface Watched {
  readonly kernel: Kernel;
  readonly lines: string[];
  /** The types of the reports so far. */
  types(): string[];
}

function watched(allocator: AllocatorName, version: KernelVersion, cpus = 1): Watched {
  const kernel = boot({ cpus, memory: 8 * MIB, allocator, kernel: version, kasan: true });
  const lines: string[] = [];
  kernel.debug.onConsole((line) => lines.push(line));
  const types = () =>
    lines.flatMap((line) => /^BUG: KAS(?:AN|an): (.*?) in /.exec(line)?.[1] ?? []);
  return { kernel, lines, types };
}

test.each(KERNELS)("an access one byte too far is out of bounds (%s, %s)", (allocator, version) => {
  const { kernel, types } = watched(allocator, version);
  const bytes = kernel.view8(kernel.kmalloc(100));
  expect(bytes).toHaveLength(100);
  bytes.fill(1);
  expect(types()).toEqual([]);
  bytes[100] = 1;
  const isEarly = version === "4.1";
  expect(types()).toEqual([isEarly ? "out of bounds access" : "slab-out-of-bounds"]);
});

test.each(KERNELS)(
  "an access to a freed object is a use after free (%s, %s)",
  (allocator, version) => {
    const { kernel, types } = watched(allocator, version);
    const object = kernel.kmalloc(64);
    const words = kernel.view32(object);
    kernel.kfree(object);
    expect(types()).toEqual([]);
    words[2] = 7;
    const name = { "4.1": "use after free", "6.1": "use-after-free" } as Record<string, string>;
    expect(types()).toEqual([name[version] ?? "slab-use-after-free"]);
  },
);

test.each(LATER)(
  "a second free and a free inside of an object do nothing (%s, %s)",
  (allocator, version) => {
    const { kernel, types } = watched(allocator, version);
    const [object, other] = [kernel.kmalloc(64), kernel.kmalloc(64)];
    kernel.kfree(object);
    kernel.kfree(object);
    kernel.kfree(other + 8);
    expect(types()).toEqual(["double-free", "invalid-free"]);
    kernel.kfree(other);
    expect(types()).toHaveLength(2);
  },
);

test.each(LATER)(
  "a freed object waits in the quarantine until its cache is shrunk (%s, %s)",
  (allocator, version) => {
    const { kernel, types } = watched(allocator, version);
    const s = kernel.kmemCacheCreate("waiting", 48);
    const objects = Array.from({ length: 20 }, () => kernel.kmemCacheAlloc(s));
    for (const object of objects) kernel.kmemCacheFree(s, object);
    const quarantine = systemOf(kernel).common.kasan?.quarantine;
    expect(quarantine?.bytes).toBeGreaterThan(20 * 48);
    expect(objects).not.toContain(kernel.kmemCacheAlloc(s));
    kernel.kmemCacheShrink(s);
    // All of them are on its slabs again.
    expect(kernel.usage().caches.find(({ name }) => name === "waiting")?.objects).toBe(1);
    expect(types()).toEqual([]);
  },
);

test("when the objects of one cache leave the quarantine, those of others stay", () => {
  const { kernel } = watched("slub", "6.1");
  const quarantine = systemOf(kernel).common.kasan?.quarantine;
  const caches = [40, 200].map((size) => kernel.kmemCacheCreate(`of-${size}`, size));
  const before = quarantine?.bytes ?? 0;
  const waiting = () => (quarantine?.bytes ?? 0) - before;
  for (let i = 0; i < 10; i++) {
    for (const s of caches) kernel.kmemCacheFree(s, kernel.kmemCacheAlloc(s));
  }
  const [small, large] = caches as [number, number];
  expect(waiting()).toBe(10 * 56 + 10 * 264);
  kernel.kmemCacheShrink(small);
  expect(waiting()).toBe(10 * 264);
  kernel.kmemCacheShrink(large);
  expect(waiting()).toBe(0);
});

test("a quarantine that is full gives its oldest objects back", () => {
  const { kernel } = watched("slub", "6.1", 2);
  const quarantine = systemOf(kernel).common.kasan?.quarantine;
  for (let i = 0; i < 3000; i++) kernel.kfree(kernel.kmalloc(4000));
  expect(quarantine?.bytes).toBeGreaterThan(0);
  expect(quarantine?.bytes).toBeLessThan(3 * MIB);
});

test("a cache with waiting objects can be destroyed, on whichever CPU they were freed", () => {
  const { kernel } = watched("slub", "6.1", 2);
  const s = kernel.kmemCacheCreate("going", 100);
  for (const cpu of [0, 1]) {
    kernel.run(() => kernel.kmemCacheFree(s, kernel.kmemCacheAlloc(s)), cpu);
  }
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
});

test("objects that wait on a CPU that goes are free", () => {
  const { kernel } = watched("slub", "6.1", 2);
  kernel.run(() => kernel.kfree(kernel.kmalloc(64)), 1);
  const quarantine = systemOf(kernel).common.kasan?.quarantine;
  expect(quarantine?.bytes).toBeGreaterThan(0);
  expect(kernel.cpuDown(1)).toBe(0);
  expect(quarantine?.bytes).toBe(0);
});

test("objects under RCU can be read after they are freed", () => {
  const { kernel, types } = watched("slub", "6.1");
  const s = kernel.kmemCacheCreate("typesafe", 64, { flags: 0x80000 });
  const object = kernel.kmemCacheAlloc(s);
  const view = kernel.view8(object);
  kernel.kmemCacheFree(s, object);
  expect(view[0]).toBeDefined();
  expect(types()).toEqual([]);
});

test("a constructor may write its object, and nothing behind it", () => {
  const { kernel, types } = watched("slub", "6.1");
  const ctor = kernel.registerConstructor((object) => {
    kernel.view32(object, 40).fill(7);
  });
  const s = kernel.kmemCacheCreate("constructed", 40, { ctor });
  expect(kernel.view32(kernel.kmemCacheAlloc(s))[9]).toBe(7);
  expect(types()).toEqual([]);
});

test.each([false, true])(
  "an object that was not handed out yet is closed; constructed: %j",
  (isConstructed) => {
    const { kernel, types } = watched("slub", "6.1");
    const ctor = isConstructed ? kernel.registerConstructor(() => undefined) : 0;
    const s = kernel.kmemCacheCreate("fresh", 64, { ctor });
    const bytes = kernel.view8(kernel.kmemCacheAlloc(s));
    const next = systemOf(kernel).memory.read32(s + KmemCacheBase.size);
    bytes[63] = 1;
    expect(types()).toEqual([]);
    bytes[next + 8] = 1;
    expect(types()).toEqual(["slab-out-of-bounds"]);
  },
);

test("a large block ends where its request ended", () => {
  const { kernel, types } = watched("slub", "6.1");
  const view = kernel.view8(kernel.kmalloc(20_000));
  view[19_999] = 1;
  expect(types()).toEqual([]);
  view[20_000] = 1;
  expect(types()).toEqual(["slab-out-of-bounds"]);
});

test("Atomics of the debug part, structs and DataViews are checked", () => {
  const { kernel, types } = watched("slub", "7.1");
  const Pair = defineStruct({ first: "int32", second: "int32", tail: ["uint8", 4] });
  const object = kernel.kmalloc(12);
  const words = kernel.view32(object);
  const pair = kernel.view(Pair, object);
  const data = kernel.view(DataView, object);
  expect(kernel.debug.atomics.add(words, 0, 5)).toBe(0);
  pair.second = 6;
  pair.tail[3] = 9;
  expect([data.getInt32(0, true), data.getInt32(4, true), data.getUint8(11)]).toEqual([5, 6, 9]);
  expect(types()).toEqual([]);
  kernel.kfree(object);
  kernel.debug.atomics.load(words, 1);
  pair.first = 1;
  pair.tail[0] = 1;
  data.setInt8(3, 1);
  expect(types()).toEqual(Array(4).fill("slab-use-after-free"));
});

test("krealloc and ksize change what may be used", () => {
  const { kernel, types } = watched("slub", "6.1");
  const object = kernel.kmalloc(30);
  kernel.krealloc(object, 20);
  const view = kernel.view8(object, 32);
  view[19] = 1;
  view[20] = 1;
  expect(types()).toEqual(["slab-out-of-bounds"]);
  expect(kernel.ksize(object)).toBe(32);
  view[31] = 1;
  expect(types()).toHaveLength(1);
});

test("another thread sees what this one has freed", () => {
  const { kernel } = watched("slub", "6.1");
  const other = attach(kernel.shared);
  const object = kernel.kmalloc(64);
  const view = other.view8(object);
  kernel.kfree(object);
  view[5] = 1;
  expect([kernel.debug.badAccesses, other.debug.badAccesses]).toEqual([1, 1]);
});

test("with panic, a bad access is an error", () => {
  const kernel = boot({ cpus: 1, memory: 8 * MIB, kernel: "6.1", kasan: "panic" });
  const view = kernel.view8(kernel.kmalloc(8));
  expect(() => view[8]).toThrow("KASAN: slab-out-of-bounds");
});

test("a kernel that is booted without it has plain views and no checker", () => {
  const kernel = boot({ cpus: 1, memory: 8 * MIB });
  expect(systemOf(kernel).machine.checker).toBeUndefined();
  expect(kernel.debug.atomics).toBe(Atomics);
});

test.each([
  [{ allocator: "slab", kernel: "4.1", config: [] }, "SLAB of Linux 4.1 has no KASAN"],
  [
    { allocator: "slab", kernel: "6.1", config: ["DEBUG_SLAB"] },
    "SLAB with DEBUG_SLAB has no KASAN",
  ],
] as const)("SLAB %o has no KASAN", (options, why) => {
  expect(() => boot({ ...options, config: [...options.config], kasan: true })).toThrow(why);
});

// Sizes of objects with a word's alignment and no debugging: mm/kasan/generic.c.
test.each([
  [8, 40, 32],
  [64, 96, 96],
  [192, 256, 256],
])("KASAN makes objects larger: %i bytes become %i in 6.1, and %i in 7.1", (bytes, early, late) => {
  const cache = { size: bytes, objectSize: bytes, flags: 0, ctor: false, keepsSize: false };
  const sizeIn = (kernel: KernelVersion) =>
    kasanCacheCreate(kernel, { ...cache, isDebug: false }).size;
  expect([sizeIn("4.1"), sizeIn("6.1"), sizeIn("7.1")]).toEqual([bytes, early, late]);
});

test("a report has the lines of 6.1", () => {
  const { kernel, lines } = watched("slub", "6.1");
  function makeThing(): number {
    return kernel.kmalloc(100);
  }
  const object = makeThing();
  kernel.view8(object)[100] = 1;
  const at = object.toString(16).padStart(16, "0");
  const site = /\(kernel\/kasan\.test\.ts.*:\d+:\d+\)$/;
  expect(lines[0]).toBe("=".repeat(66));
  expect(lines[1]).toMatch(/^BUG: KASAN: slab-out-of-bounds in /);
  expect(lines[1]).toMatch(site);
  expect(lines[2]).toMatch(/^Write of size 1 at addr [0-9a-f]{16} by task slablab\/0$/);
  const allocated = lines.indexOf("Allocated by task 0:");
  expect(lines[allocated + 1]).toMatch(/^ makeThing \(kernel\/kasan\.test\.ts/);
  const belongs = lines.indexOf(`The buggy address belongs to the object at ${at}`);
  expect(lines.slice(belongs + 1, belongs + 5)).toEqual([
    " which belongs to the cache kmalloc-128 of size 128",
    "The buggy address is located 100 bytes inside of",
    ` 128-byte region [${at}, ${(object + 128).toString(16).padStart(16, "0")})`,
    "",
  ]);
  const guilty = lines.findIndex((line) => line.startsWith(">"));
  expect(lines[guilty]).toMatch(/^>[0-9a-f]{16}:( [0-9a-f]{2}){16}$/);
  // The caret stands under the last digit of the granule's shadow.
  const column = (lines[guilty + 1] as string).length;
  expect((lines[guilty] as string).slice(column - 2, column)).toMatch(/^[0-9a-f ][0-9a-f]$/);
  expect(lines.at(-1)).toBe("Disabling lock debugging due to kernel taint");
});
