/** Views of memory show an object, or its window, and nothing beside it. */
import { describe, expect, test } from "vitest";
import { SLAB_RED_ZONE, SLAB_STORE_USER } from "../../src/caches/flags.ts";
import { PAGE_SIZE } from "../../src/machine/machine.ts";
import { bench } from "../kunit/bench.ts";

describe.each(["4.1", "6.1"] as const)("with the layout of %s, a view", (version) => {
  test("shows a whole object and not a byte of the next", () => {
    const { kernel } = bench({ kernel: version });
    const s = kernel.kmemCacheCreate("plain", 72);
    const object = kernel.kmemCacheAlloc(s);
    expect(kernel.view8(object, 72)).toHaveLength(72);
    expect(kernel.view8(object + 68, 4)).toHaveLength(4);
    expect(() => kernel.view8(object, 73)).toThrow(
      /usercopy: exposure attempt detected from SLUB object 'plain' \(offset 0, size 73\)!/,
    );
    expect(() => kernel.view32(object + 68, 8)).toThrow(/offset 68, size 8/);
  });

  test("shows no free pointer behind an object with a constructor", () => {
    const { kernel, reports } = bench({ kernel: version, parameters: { slub_debug: "F" } });
    const ctor = kernel.registerConstructor(() => undefined);
    const s = kernel.kmemCacheCreate("constructed", 72, { ctor });
    const object = kernel.kmemCacheAlloc(s);
    expect(kernel.ksize(object)).toBe(72);
    kernel.view8(object).fill(0xff);
    kernel.kmemCacheFree(s, object);
    expect(reports).toEqual([]);
    expect(() => kernel.view8(object, 73)).toThrow(/offset 0, size 73/);
  });

  test("shows neither red zones nor tracks", () => {
    const { kernel } = bench({ kernel: version });
    const flags = SLAB_RED_ZONE | SLAB_STORE_USER;
    const s = kernel.kmemCacheCreate("guarded", 60, { flags });
    const [, object = 0] = [kernel.kmemCacheAlloc(s), kernel.kmemCacheAlloc(s)];
    expect(kernel.view8(object, 60)).toHaveLength(60);
    for (const at of [-1, 60, 64, 100]) {
      expect(() => kernel.view8(object + at, 1)).toThrow(/SLUB object.* 'guarded'/);
    }
  });

  test("shows only the window of a cache that has one", () => {
    const { kernel } = bench({ kernel: version });
    const s = kernel.kmemCacheCreate("secret", 64, { useroffset: 16, usersize: 8 });
    const object = kernel.kmemCacheAlloc(s);
    expect(kernel.view8(object + 16, 8)).toHaveLength(8);
    expect(() => kernel.view8(object)).toThrow(/secret/);
    expect(() => kernel.view8(object + 15, 2)).toThrow(/offset 15, size 2/);
    expect(() => kernel.view8(object + 20, 5)).toThrow(/offset 20, size 5/);
  });
});

test("a view of whole pages ends with them, and where there is no memory there is none", () => {
  const { kernel } = bench();
  const block = kernel.kmalloc(5 * PAGE_SIZE);
  expect(kernel.view8(block, 8 * PAGE_SIZE)).toHaveLength(8 * PAGE_SIZE);
  expect(() => kernel.view8(block + PAGE_SIZE, 8 * PAGE_SIZE)).toThrow(/exposure/);
  expect(() => kernel.view8(0, 8)).toThrow("view8: 0 is no object");
});
