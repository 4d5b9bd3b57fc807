import { describe, expect, test } from "vitest";
import { SLAB_TYPESAFE_BY_RCU } from "../../src/caches/flags.ts";
import {
  boot,
  GFP_KERNEL,
  GFP_NOWAIT,
  type Kernel,
  MIB,
  ZERO_SIZE_PTR,
} from "../../src/kernel/index.ts";

const machine = { kernel: "7.1", cpus: 2, memory: 32 * MIB } as const;

function booted(): { kernel: Kernel; s: number; other: number } {
  const kernel = boot({ ...machine, parameters: { slab_nomerge: true } });
  const s = kernel.kmemCacheCreate("nodes", 256);
  const other = kernel.kmemCacheCreate("leaves", 256);
  return { kernel, s, other };
}

describe("a prefilled sheaf", () => {
  test("gives at least as many objects as were asked for, and then none", () => {
    const { kernel, s } = booted();
    const sheaf = kernel.kmemCachePrefillSheaf(s, 20);
    const objects = Array.from({ length: 28 }, () => kernel.allocFromSheaf(s, sheaf));
    expect(new Set(objects).size).toBe(28);
    expect(objects).not.toContain(0);
    expect(kernel.allocFromSheaf(s, sheaf)).toBe(0);
    for (const object of objects) kernel.kmemCacheFree(s, object);
    kernel.returnSheaf(s, sheaf);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });

  test("may be larger than the sheaves of its cache", () => {
    const { kernel, s } = booted();
    const sheaf = kernel.kmemCachePrefillSheaf(s, 100);
    const objects = Array.from({ length: 100 }, () => kernel.allocFromSheaf(s, sheaf));
    expect(objects).not.toContain(0);
    expect(kernel.allocFromSheaf(s, sheaf)).toBe(0);
    kernel.kmemCacheFreeBulk(s, 100, objects);
    kernel.returnSheaf(s, sheaf);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });

  test("may be had of a cache without sheaves", () => {
    const kernel = boot({ ...machine, parameters: { slub_debug: "FZPU" } });
    const s = kernel.kmemCacheCreate("debugged", 256);
    const sheaf = kernel.kmemCachePrefillSheaf(s, 5);
    const object = kernel.allocFromSheaf(s, sheaf);
    expect(object).not.toBe(0);
    kernel.kmemCacheFree(s, object);
    kernel.returnSheaf(s, sheaf);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });

  test("is refilled, and replaced where it is too small", () => {
    const { kernel, s } = booted();
    const sheaf = kernel.kmemCachePrefillSheaf(s, 10);
    const object = kernel.allocFromSheaf(s, sheaf);
    expect(kernel.refillSheaf(s, sheaf, 28)).toBe(sheaf);
    const larger = kernel.refillSheaf(s, sheaf, 60);
    expect(larger).not.toBe(sheaf);
    expect(() => kernel.returnSheaf(s, sheaf)).toThrow("is no prefilled sheaf");
    kernel.returnSheaf(s, larger);
    kernel.kmemCacheFree(s, object);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });

  test("zeroes what it hands out where that is asked for", () => {
    const { kernel, s } = booted();
    const sheaf = kernel.kmemCachePrefillSheaf(s, 1);
    const stained = kernel.allocFromSheaf(s, sheaf);
    kernel.view8(stained).fill(1);
    kernel.returnSheaf(s, sheaf);
    kernel.kmemCacheFree(s, stained);
    expect(kernel.view8(kernel.kmemCacheZalloc(s)).every((byte) => byte === 0)).toBe(true);
  });

  test("that was returned is refused, in each call", () => {
    const { kernel, s } = booted();
    const sheaf = kernel.kmemCachePrefillSheaf(s, 5);
    kernel.returnSheaf(s, sheaf);
    const why = "is no prefilled sheaf, or was returned before";
    expect(() => kernel.returnSheaf(s, sheaf)).toThrow(why);
    expect(() => kernel.allocFromSheaf(s, sheaf)).toThrow(why);
    expect(() => kernel.refillSheaf(s, sheaf, 5)).toThrow(why);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });

  test("of another cache is refused", () => {
    const { kernel, s, other } = booted();
    const sheaf = kernel.kmemCachePrefillSheaf(s, 5);
    expect(() => kernel.returnSheaf(other, sheaf)).toThrow("is a sheaf of nodes, not of leaves");
    expect(() => kernel.allocFromSheaf(other, sheaf)).toThrow("not of leaves");
    kernel.returnSheaf(s, sheaf);
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 31, "5" as unknown as number])(
    "of %d objects is refused",
    (size) => {
      const { kernel, s } = booted();
      expect(() => kernel.kmemCachePrefillSheaf(s, size)).toThrow("a sheaf holds 1 to");
      const sheaf = kernel.kmemCachePrefillSheaf(s, 5);
      expect(() => kernel.refillSheaf(s, sheaf, size)).toThrow("a sheaf holds 1 to");
    },
  );

  test.each([0, 1, 12_345, 2 ** 31, Number.NaN, "1" as unknown as number])(
    "is not what lies at %d",
    (at) => {
      const { kernel, s } = booted();
      expect(() => kernel.returnSheaf(s, at)).toThrow("is no prefilled sheaf");
      expect(() => kernel.allocFromSheaf(s, at)).toThrow("is no prefilled sheaf");
      expect(() => kernel.refillSheaf(s, at, 5)).toThrow("is no prefilled sheaf");
    },
  );

  test("is refused by a kernel without sheaves", () => {
    const kernel = boot({ kernel: "4.1", memory: 32 * MIB });
    const s = kernel.kmemCacheCreate("nodes", 256);
    expect(() => kernel.kmemCachePrefillSheaf(s, 5)).toThrow(
      'SLUB of Linux 4.1 has no such call; boot with kernel: "7.1"',
    );
  });
});

describe("kmem_cache_args", () => {
  const capacityOf = (kernel: Kernel, s: number): number => {
    const sheaf = kernel.kmemCachePrefillSheaf(s, 1);
    let count = 0;
    while (kernel.allocFromSheaf(s, sheaf, GFP_KERNEL) !== 0) count++;
    return count;
  };

  test("sheaf_capacity raises the capacity, and no other cache shares this one", () => {
    const kernel = boot(machine);
    const s = kernel.kmemCacheCreate("plain", 256);
    const raised = kernel.kmemCacheCreate("raised", 256, { sheafCapacity: 40 });
    expect(capacityOf(kernel, s)).toBe(28);
    expect(capacityOf(kernel, raised)).toBe(40);
    expect(kernel.kmemCacheCreate("same", 256)).not.toBe(raised);
  });

  const TYPESAFE = SLAB_TYPESAFE_BY_RCU;
  test.each([
    ["7.1", { freeptrOffset: 8, flags: TYPESAFE }, true],
    ["7.1", { freeptrOffset: 8 }, false],
    ["7.1", { freeptrOffset: 12, flags: TYPESAFE }, false],
    ["7.1", { freeptrOffset: 256, flags: TYPESAFE }, false],
    ["6.19", { freeptrOffset: 248, flags: TYPESAFE }, true],
    ["6.19", { freeptrOffset: 8 }, false],
    ["6.1", { freeptrOffset: 8 }, true],
  ] as const)(
    "of Linux %s with %j: the free pointer may lie there: %s",
    (version, options, fits) => {
      const kernel = boot({ ...machine, kernel: version });
      const s = kernel.kmemCacheCreate("pointed", 256, options);
      expect(s !== 0).toBe(fits);
    },
  );

  test("a constructed object may have its free pointer inside since 7.0", () => {
    for (const [version, fits] of [
      ["6.19", false],
      ["7.1", true],
    ] as const) {
      const kernel = boot({ ...machine, kernel: version });
      const ctor = kernel.registerConstructor(() => undefined);
      const s = kernel.kmemCacheCreate("made", 256, { ctor, freeptrOffset: 8 });
      expect(s !== 0).toBe(fits);
    }
  });

  test.each(["freeptrOffset", "usersize", "useroffset", "sheafCapacity"])(
    "%s is a whole number",
    (name) => {
      const kernel = boot(machine);
      for (const bad of [-1, 1.5, Number.NaN, 2 ** 32, "8", null]) {
        const create = () => kernel.kmemCacheCreate("bad", 256, { [name]: bad });
        expect(create).toThrow(`kmem_cache_create: ${name} must be a whole number`);
      }
    },
  );

  test("usersize and useroffset say what of an object may be seen", () => {
    const kernel = boot(machine);
    const s = kernel.kmemCacheCreate("window", 256, { useroffset: 64, usersize: 32 });
    const object = kernel.kmemCacheAlloc(s);
    expect(kernel.view8(object + 64, 32).length).toBe(32);
    expect(() => kernel.view8(object, 32)).toThrow("usercopy");
  });
});

describe("kmallocNolock", () => {
  test("gives what kfreeNolock, or kfree, takes back", () => {
    const { kernel } = booted();
    const object = kernel.kmallocNolock(100);
    expect(object).not.toBe(0);
    expect(kernel.ksize(object)).toBe(128);
    kernel.kfreeNolock(object);
    kernel.kfree(kernel.kmallocNolock(3000));
  });

  test("knows no size beyond the kmalloc caches", () => {
    const { kernel } = booted();
    expect(kernel.kmallocNolock(8192)).not.toBe(0);
    expect(kernel.kmallocNolock(8193)).toBe(0);
    expect(kernel.kmallocNolock(0)).toBe(ZERO_SIZE_PTR);
    expect(kernel.kmallocNolock(-1)).toBe(0);
  });

  test.each([
    ["7.1", 192],
    ["6.19", undefined],
  ] as const)(
    "of Linux %s tries larger objects once where there are no others: %s",
    (version, bytes) => {
      const kernel = boot({ ...machine, cpus: 1, kernel: version, failPages: { times: 0 } });
      const larger = kernel.kmalloc(150);
      kernel.kfree(larger);
      kernel.debug.failPages?.arm();
      while (kernel.kmalloc(100, GFP_NOWAIT) !== 0);
      const object = kernel.kmallocNolock(100);
      expect(object === 0 ? undefined : kernel.ksize(object)).toBe(bytes);
    },
  );

  test("kfreeNolock refuses what is no object of a cache", () => {
    const { kernel } = booted();
    const large = kernel.kmalloc(20_000);
    expect(() => kernel.kfreeNolock(large)).toThrow("kfree_nolock:");
    expect(() => kernel.kfreeNolock(12)).not.toThrow();
    expect(() => kernel.kfreeNolock(4096)).toThrow("kfree_nolock:");
  });
});

test("rcuBarrier waits for what kfreeRcu has collected, too", () => {
  const { kernel, s } = booted();
  kernel.run(() => {
    const objects = Array.from({ length: 5 }, () => kernel.kmemCacheAlloc(s));
    for (const object of objects) kernel.kfreeRcu(object);
    kernel.rcuBarrier();
    kernel.kmemCacheShrink(s);
    expect(kernel.kmemCacheShrink(s)).toBe(0);
  });
});
