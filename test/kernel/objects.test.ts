/** What programs do with objects every day. */
import { expect, test } from "vitest";
import { audit } from "../../src/check/audit.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { attach, boot, defineStruct, MIB, SLAB_STORE_USER } from "../../src/kernel/index.ts";
import { systemOf } from "../../src/kernel/kernel.ts";

const forms: BootOptions[] = [
  {},
  { kernel: "7.1" },
  { allocator: "slab" },
  { parameters: { slub_debug: "FZPU" } },
  { allocator: "slab", config: ["DEBUG_SLAB"] },
];

test.each(forms)("kmalloc gives more than 4 MiB in one piece, and takes it back: %o", (form) => {
  const kernel = boot({ cpus: 2, memory: 64 * MIB, ...form });
  const free = kernel.usage().bytes.free;
  for (const size of [4 * MIB + 1, 7 * MIB, 16 * MIB, 37 * MIB + 12_345]) {
    const object = kernel.kzalloc(size);
    expect(object).toBeGreaterThan(0);
    expect(kernel.ksize(object)).toBe(Math.ceil(size / 4096) * 4096);
    const view = kernel.view8(object, size);
    expect(view.every((byte) => byte === 0)).toBe(true);
    view.fill(0xff);
    expect(audit(systemOf(kernel))).toEqual([]);
    expect(() => kernel.kfree(object + 4 * MIB)).toThrow(/is no object/);
    expect(() => kernel.view8(object, kernel.ksize(object) + 1)).toThrow(/usercopy/);
    kernel.kfree(object);
    expect(() => kernel.kfree(object)).toThrow(/is no object/);
    expect(audit(systemOf(kernel))).toEqual([]);
  }
  expect(kernel.kmalloc(64 * MIB)).toBe(0);
  expect(kernel.usage().bytes.free).toBeGreaterThan(free - MIB);
});

test("krealloc moves between blocks and ranges, and keeps what fits", () => {
  const kernel = boot({ cpus: 1, memory: 64 * MIB });
  let object = kernel.kmalloc(3 * MIB);
  kernel.view8(object, 3 * MIB).fill(5);
  object = kernel.krealloc(object, 9 * MIB);
  expect(kernel.view8(object, 3 * MIB).every((byte) => byte === 5)).toBe(true);
  object = kernel.krealloc(object, 12 * MIB);
  expect(kernel.view8(object, 3 * MIB).every((byte) => byte === 5)).toBe(true);
  kernel.kfreeRcu(object);
  kernel.rcuBarrier();
  expect(audit(systemOf(kernel))).toEqual([]);
});

test.each(forms)(
  "kmallocAligned gives what kfree takes, at a multiple of the alignment: %o",
  (form) => {
    const kernel = boot({ cpus: 1, memory: 32 * MIB, ...form });
    for (let align = 1; align <= 4 * MIB; align *= 2) {
      for (const size of [1, 96, 3000, 70_000]) {
        const object = kernel.kmallocAligned(size, align);
        expect(object).toBeGreaterThan(0);
        expect(object % align).toBe(0);
        expect(kernel.ksize(object)).toBeGreaterThanOrEqual(size);
        kernel.kfree(object);
      }
    }
    for (const align of [0, 3, -8, 8 * MIB, Number.NaN]) {
      expect(() => kernel.kmallocAligned(64, align)).toThrow(/is no power of two/);
    }
  },
);

test("a view is of any type, and the same question has the same answer", () => {
  const kernel = boot({ cpus: 1, memory: 16 * MIB });
  const object = kernel.kzalloc(64);
  const types = [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    BigInt64Array,
    BigUint64Array,
    Float32Array,
    Float64Array,
  ] as const;
  for (const type of types) {
    const view = kernel.view<InstanceType<typeof type>>(type as never, object);
    expect(view).toHaveLength(64 / type.BYTES_PER_ELEMENT);
    expect(kernel.view(type as never, object)).toBe(view);
    expect(kernel.view(type as never, object, 24)).toHaveLength(24 / type.BYTES_PER_ELEMENT);
  }
  const bytes = kernel.view(DataView, object);
  bytes.setFloat32(4, 1.5, true);
  expect(kernel.view(Float32Array, object)[1]).toBe(1.5);
  for (const none of [undefined, "Uint8Array", Array, () => 1]) {
    expect(() => kernel.view(none as never, object)).toThrow(/no typed array, DataView or struct/);
  }
});

test("a struct names the bytes of an object, for every thread", () => {
  const Particle = defineStruct({
    alive: "uint8",
    x: "float64",
    velocity: ["float32", 3],
    next: "uint32",
    id: "bigint64",
  });
  expect(Particle.offsets).toEqual({ alive: 0, x: 8, velocity: 16, next: 28, id: 32 });
  expect(Particle.BYTES_PER_ELEMENT).toBe(40);
  const kernel = boot({ cpus: 2, memory: 16 * MIB });
  const other = attach(kernel.shared);
  const object = kernel.kzalloc(Particle.BYTES_PER_ELEMENT);
  const particle = kernel.view(Particle, object);
  particle.alive = 1;
  particle.x = 2.5;
  particle.velocity[2] = -1;
  particle.id = -5n;
  const seen = other.view(Particle, object);
  expect([seen.alive, seen.x, [...seen.velocity], seen.next, seen.id]).toEqual([
    1,
    2.5,
    [0, 0, -1],
    0,
    -5n,
  ]);
  expect(() => kernel.view(Particle, kernel.kmalloc(8))).toThrow(/usercopy/);
});

test("what names no fields, or a field of no type, is no struct; a field may have any name", () => {
  expect(() => defineStruct({ x: "double" } as never)).toThrow(/x has no type "double"/);
  expect(() => defineStruct({ x: undefined } as never)).toThrow(/x has no type undefined/);
  expect(() => defineStruct({ x: ["int8", 1n] } as never)).toThrow(/x has no type \["int8", 1n\]/);
  expect(() => defineStruct(undefined as never)).toThrow(/undefined names no fields/);
  const { offsets } = defineStruct({ a: "int32", ["__proto__"]: "int8" } as never);
  expect(Object.entries(offsets)).toEqual([
    ["a", 0],
    ["__proto__", 4],
  ]);
});

test.each(["", "plain", "Grüße, 世界 🎉", "\ud800 alone", "NUL\0 ends it"])(
  "a string is kept: %o",
  (text) => {
    const kernel = boot({ cpus: 1, memory: 16 * MIB });
    const at = kernel.kstrdup(text);
    const [kept = ""] = new TextDecoder().decode(new TextEncoder().encode(text)).split("\0");
    expect(kernel.readString(at)).toBe(kept);
    const bytes = Uint8Array.from(kernel.view8(at)).subarray(
      0,
      new TextEncoder().encode(kept).length,
    );
    expect(new TextDecoder().decode(bytes)).toBe(kept);
  },
);

test("a string may be long", () => {
  const kernel = boot({ cpus: 1, memory: 16 * MIB });
  const text = "Grüße, 世界 🎉".repeat(20_000);
  expect(kernel.readString(kernel.kstrdup(text)) === text).toBe(true);
});

test("bytes that are no UTF-8 are read as replacement characters", () => {
  const kernel = boot({ cpus: 1, memory: 16 * MIB });
  const at = kernel.kzalloc(16);
  for (const bytes of [[0xff, 65], [0xc3], [0xe2, 0x82, 65], [0xc0, 0x80], [0xf5, 65]]) {
    kernel.view8(at).fill(0).set(bytes);
    expect(kernel.readString(at)).toMatch(/\ufffd/);
  }
});

test("usage tells bytes and objects, of each cache and at each CPU", () => {
  const kernel = boot({ cpus: 3, memory: 16 * MIB, parameters: { slab_nomerge: true } });
  const before = kernel.usage();
  const s = kernel.kmemCacheCreate("cups", 1000);
  const cups = Array.from({ length: 10 }, () => kernel.kmemCacheAlloc(s));
  const usage = kernel.usage();
  expect(usage.caches.find(({ cache }) => cache === s)).toMatchObject({
    name: "cups",
    objectSize: 1000,
  });
  expect(usage.bytes.used).toBeGreaterThan(before.bytes.used);
  expect(usage.bytes.free + usage.bytes.used).toBe(usage.bytes.total);
  expect(usage.cpus.map(({ cpu, isOnline }) => [cpu, isOnline])).toEqual([
    [0, true],
    [1, true],
    [2, true],
  ]);
  for (const cup of cups) kernel.kmemCacheFree(s, cup);
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
  expect(kernel.usage().caches.map(({ name }) => name)).not.toContain("cups");
});

test("leaks tells where the objects in use were allocated", () => {
  const kernel = boot({ cpus: 1, memory: 16 * MIB });
  const s = kernel.kmemCacheCreate("noted", 120, { flags: SLAB_STORE_USER });
  const leak = () => kernel.kmemCacheAlloc(s);
  const objects = [leak(), leak(), leak()];
  expect(kernel.leaks()).toMatchObject([
    { cache: "noted", count: 3, site: expect.stringContaining("leak") },
  ]);
  for (const object of objects) kernel.kmemCacheFree(s, object);
  expect(kernel.leaks()).toEqual([]);
});
