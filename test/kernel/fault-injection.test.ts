/**
 * Memory that fails at any moment loses nothing: for each public call, the first allocation inside
 * it fails, then the second, and so on until the call needs no more; every time all that it had
 * taken is given back, and the same call succeeds afterwards.
 */

import { describe, expect, test } from "vitest";
import { faultsOf } from "../../src/caches/fault-injection.ts";
import { KmemCacheBase } from "../../src/caches/kmem-cache.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { onSlub } from "../../src/kernel/classes.ts";
import {
  boot,
  type Kernel,
  MIB,
  systemOf,
  type ThreadBuild,
  threadOf,
} from "../../src/kernel/kernel.ts";
import type { Address } from "../../src/machine/memory.ts";
import { GFP_ATOMIC, GFP_KERNEL } from "../../src/pages/gfp.ts";

/** Disarmed from the start. */
const QUIET = { times: 0 };

function machine(options: BootOptions = {}, build: ThreadBuild = {}): Kernel {
  const faulty = { cpus: 2, memory: 16 * MIB, failSlab: QUIET, failPages: QUIET };
  const kernel = boot({ kernel: "4.1", ...faulty, ...options }, build);
  threadOf(kernel).enterCpu(0);
  return kernel;
}

function injection(kernel: Kernel, where: "slab" | "pages") {
  const faults = faultsOf(where === "slab" ? systemOf(kernel).allocator : systemOf(kernel).pages);
  if (faults === undefined) throw new TypeError(`no injection point for ${where}`);
  return faults;
}

/** Pages that can be had once all caches have given back what they do not need. */
function freePages(kernel: Kernel): number {
  for (const s of systemOf(kernel).common.caches()) kernel.kmemCacheShrink(s);
  systemOf(kernel).machine.rcu.barrier();
  return systemOf(kernel).pages.freePagesTotal();
}

const SIZE = 200;

interface Call {
  /** True if the call succeeded; then what it made is gone again. */
  run(kernel: Kernel, s: number): boolean;
}

const CALLS: Record<string, Call> = {
  kmalloc: { run: (kernel) => freed(kernel, kernel.kmalloc(SIZE)) },
  "kmalloc of whole pages": { run: (kernel) => freed(kernel, kernel.kmalloc(20_000)) },
  kzalloc: { run: (kernel) => freed(kernel, kernel.kzalloc(SIZE)) },
  krealloc: {
    run: (kernel) => {
      const object = kernel.kmalloc(16);
      if (object === 0) return false;
      systemOf(kernel).memory.write32(object, 0x1234);
      const grown = kernel.krealloc(object, 5000);
      // Where it fails, the old object stays as it was.
      const kept = grown === 0 ? object : grown;
      expect(systemOf(kernel).memory.read32(kept)).toBe(0x1234);
      kernel.kfree(kept);
      return grown !== 0;
    },
  },
  kmemCacheAlloc: {
    run: (kernel, s) => {
      const object = kernel.kmemCacheAlloc(s);
      if (object !== 0) kernel.kmemCacheFree(s, object);
      return object !== 0;
    },
  },
  kmemCacheAllocBulk: {
    run: (kernel, s) => {
      const p: Address[] = [];
      const got = kernel.kmemCacheAllocBulk(s, 100, p);
      expect([0, 100]).toContain(got);
      if (got > 0) kernel.kmemCacheFreeBulk(s, got, p);
      return got > 0;
    },
  },
  kmemCacheCreate: {
    run: (kernel) => {
      const s = kernel.kmemCacheCreate("fleeting", 4000);
      return s > 0 && kernel.kmemCacheDestroy(s) === 0;
    },
  },
  kmemCacheShrink: { run: (kernel, s) => kernel.kmemCacheShrink(s) >= 0 },
  kmemCacheDestroy: {
    run: (kernel) => {
      const before = systemOf(kernel).common.caches().length;
      const s = kernel.kmemCacheCreate("shortlived", 72);
      if (s <= 0) return false;
      const gone = kernel.kmemCacheDestroy(s) === 0;
      expect(systemOf(kernel).common.caches().length).toBe(before);
      return gone;
    },
  },
};

function freed(kernel: Kernel, object: Address): boolean {
  kernel.kfree(object);
  return object !== 0;
}

/** More failures than any call above has allocations. */
const MOST = 200;

/**
 * Fails the first request of the call, then the second, …, and each time also every so many-th,
 * since a single failure may have a way round it. Returns how many requests the call makes.
 */
function failEach(kernel: Kernel, where: "slab" | "pages", call: Call): number {
  const s = kernel.kmemCacheCreate("standing", 1000);
  expect(call.run(kernel, s)).toBe(true);
  const before = freePages(kernel);
  const faults = injection(kernel, where);
  for (let n = 1; n < MOST; n++) {
    let failures = 0;
    for (const times of [-1, 1]) {
      faults.arm({ interval: n, times });
      const succeeded = call.run(kernel, s);
      failures = faults.injected;
      faults.disarm();
      expect(freePages(kernel), `after failure ${n}`).toBe(before);
      if (failures === 0) expect(succeeded).toBe(true);
    }
    if (failures === 0) {
      expect(kernel.kmemCacheDestroy(s)).toBe(0);
      return n - 1;
    }
    expect(call.run(kernel, s)).toBe(true);
  }
  throw new RangeError(`more than ${MOST} requests`);
}

/** The calls that make no request of a kind. */
const NEEDS_NONE = {
  slab: ["kmalloc of whole pages", "kmemCacheShrink"],
  pages: ["kmemCacheShrink"],
};

describe.each(["slab", "pages"] as const)(
  "the n-th request for %s memory fails, for every n:",
  (where) => {
    test.each(Object.entries(CALLS))("%s", (name, call) => {
      expect(failEach(machine(), where, call) > 0).toBe(!NEEDS_NONE[where].includes(name));
    });
  },
);

test("a call that loses an object when it fails is caught", () => {
  const kernel = machine(
    {},
    {
      change: onSlub((classes) => ({
        Allocator: class extends classes.Allocator {
          override allocBulk(s: number, gfp: number, size: number, p: Address[]): number {
            const got = super.allocBulk(s, gfp, size, p);
            if (got === 0) super.slabAllocNode(s, gfp, -1);
            return got;
          }
        },
      })),
    },
  );
  const { kmemCacheAllocBulk: call } = CALLS;
  expect(() => failEach(kernel, "slab", call as Call)).toThrow(/after failure 1/);
});

describe("failslab", () => {
  test("spares requests that may sleep, if so told", () => {
    const kernel = machine();
    injection(kernel, "slab").arm({ ignoreGfpWait: true });
    expect(kernel.kmalloc(SIZE, GFP_KERNEL)).not.toBe(0);
    expect(kernel.kmalloc(SIZE, GFP_ATOMIC)).toBe(0);
  });

  test("with the cache filter, hits only caches that ask for it", () => {
    const kernel = machine();
    const hit = kernel.kmemCacheCreate("hit", SIZE);
    const spared = kernel.kmemCacheCreate("spared", SIZE * 2);
    const flags = systemOf(kernel).memory.read32(hit + KmemCacheBase.flags);
    systemOf(kernel).memory.write32(hit + KmemCacheBase.flags, flags | 0x2000000);
    injection(kernel, "slab").arm({ cacheFilter: true });
    expect(kernel.kmemCacheAlloc(hit)).toBe(0);
    expect(kernel.kmemCacheAlloc(spared)).not.toBe(0);
  });

  test("lets `space` bytes pass first, and fails `times` times", () => {
    const kernel = machine();
    injection(kernel, "slab").arm({ space: 1000, times: 2 });
    const got = Array.from({ length: 10 }, () => kernel.kmalloc(256) !== 0);
    expect(got.indexOf(false)).toBe(3);
    expect(got.filter((succeeded) => !succeeded)).toHaveLength(2);
  });

  test("fails about as often as its probability says", () => {
    const kernel = machine();
    const faults = injection(kernel, "slab");
    faults.arm({ probability: 0.1 });
    for (let i = 0; i < 5000; i++) kernel.kfree(kernel.kmalloc(SIZE));
    expect(faults.injected).toBeGreaterThan(400);
    expect(faults.injected).toBeLessThan(600);
  });

  test.each(["slub", "slab"] as const)("is there for %s", (allocator) => {
    const kernel = machine({ allocator });
    injection(kernel, "slab").arm();
    expect(kernel.kmalloc(SIZE)).toBe(0);
  });
});

test("fail_page_alloc spares blocks below its least order", () => {
  const kernel = machine();
  injection(kernel, "pages").arm({ minOrder: 3 });
  expect(kernel.kmalloc(16_384)).not.toBe(0);
  expect(kernel.kmalloc(32_768)).toBe(0);
});
