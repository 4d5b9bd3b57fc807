/** Views of memory of SLAB show an object, or its window, and nothing beside it. */
import { describe, expect, test } from "vitest";
import { SLAB_RED_ZONE, SLAB_STORE_USER, SLAB_TYPESAFE_BY_RCU } from "../../src/caches/flags.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { boot, type Kernel, MIB, systemOf, threadOf } from "../../src/kernel/kernel.ts";
import { Page } from "../../src/pages/page.ts";

function machine(options: BootOptions): Kernel {
  const kernel = boot({ allocator: "slab", cpus: 1, memory: 16 * MIB, ...options });
  threadOf(kernel).enterCpu(0);
  return kernel;
}

describe.each(["4.1", "6.1"] as const)("in the form of %s, a view", (version) => {
  test("shows a whole object and not a byte of the next", () => {
    const kernel = machine({ kernel: version });
    const s = kernel.kmemCacheCreate("plain", 72);
    const object = kernel.kmemCacheAlloc(s);
    expect(kernel.view8(object, 72)).toHaveLength(72);
    expect(kernel.view8(object + 68, 4)).toHaveLength(4);
    expect(() => kernel.view8(object, 73)).toThrow(
      /usercopy: exposure attempt detected from SLAB object 'plain' \(offset 0, size 73\)!/,
    );
    expect(() => kernel.view32(object + 68, 8)).toThrow(/offset 68, size 8/);
  });

  test("shows neither red zones nor who used the object last", () => {
    const kernel = machine({ kernel: version, config: ["DEBUG_SLAB"] });
    const flags = SLAB_RED_ZONE | SLAB_STORE_USER;
    const s = kernel.kmemCacheCreate("guarded", 60, { flags });
    const [, object = 0] = [kernel.kmemCacheAlloc(s), kernel.kmemCacheAlloc(s)];
    expect(kernel.view8(object, 60)).toHaveLength(60);
    for (const at of [-8, -1, 60, 64, 72]) {
      expect(() => kernel.view8(object + at, 1)).toThrow(/SLAB object 'guarded'/);
    }
  });

  test("shows only the window of a cache that has one", () => {
    const kernel = machine({ kernel: version });
    const s = kernel.kmemCacheCreate("secret", 64, { useroffset: 16, usersize: 8 });
    const object = kernel.kmemCacheAlloc(s);
    expect(kernel.view8(object + 16, 8)).toHaveLength(8);
    expect(() => kernel.view8(object)).toThrow(/secret/);
    expect(() => kernel.view8(object + 15, 2)).toThrow(/offset 15, size 2/);
    expect(() => kernel.view8(object + 20, 5)).toThrow(/offset 20, size 5/);
  });

  test("shows no index array and nothing else that lies beside the objects", () => {
    const kernel = machine({ kernel: version });
    // Readers under RCU: the array lies on the slab, before the objects or behind them.
    const s = kernel.kmemCacheCreate("indexed", 100, { flags: SLAB_TYPESAFE_BY_RCU });
    const object = kernel.kmemCacheAlloc(s);
    const page = systemOf(kernel).pages.virtToHeadPage(object);
    const indexes = systemOf(kernel).memory.read32(page + Page.freelist);
    expect(systemOf(kernel).pages.virtToHeadPage(indexes)).toBe(page);
    expect(() => kernel.view8(indexes, 1)).toThrow(/SLAB 'indexed' beside its objects/);
  });

  test("shows all of what kmalloc gives, and not more", () => {
    const kernel = machine({ kernel: version });
    const object = kernel.kmalloc(100);
    expect(kernel.view8(object)).toHaveLength(128);
    expect(() => kernel.view8(object, 129)).toThrow(/kmalloc-128/);
  });
});
