import { describe, expect, test } from "vitest";
import type { KernelVersion } from "../../src/caches/kernel-version.ts";
import type { Kfence } from "../../src/caches/kfence/kfence.ts";
import { audit } from "../../src/check/audit.ts";
import { explore } from "../../src/explore/explore.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { boot, type Kernel, MIB, systemOf } from "../../src/kernel/kernel.ts";
import { on, scenarioOf, task } from "../../src/laboratory/scenario.ts";
import { call, freePages, minFree, pages } from "../../src/laboratory/steps.ts";
import {
  __GFP_MEMALLOC,
  __GFP_NOFAIL,
  __GFP_NOMEMALLOC,
  __GFP_NORETRY,
  __GFP_NOWARN,
  GFP_ATOMIC,
  GFP_KERNEL,
} from "../../src/pages/gfp.ts";
import type { Reserves } from "../../src/pages/reserves.ts";
import type { Slab } from "../../src/slab/slab.ts";
import { ArrayCache } from "../../src/slab/structs.ts";

/** More than any machine here has: only the reserves are left. */
const EVERYTHING = 65_536;

function booted(options: BootOptions = {}): { kernel: Kernel; reserves: Reserves } {
  const kernel = boot({
    kernel: "4.1",
    cpus: 1,
    memory: 8 * MIB,
    reserves: true,
    parameters: { slub_max_order: 0, slab_nomerge: true },
    ...options,
  });
  const { reserves } = kernel;
  if (reserves === undefined) throw new Error("no reserves");
  return { kernel, reserves };
}

/** Takes single pages until there is none; returns the pages that are free then. */
function freeAfterTaking(kernel: Kernel, gfp: number): number {
  const system = systemOf(kernel);
  return kernel.run(() => {
    while (system.pages.allocPages(gfp | __GFP_NOWARN, 0, -1) !== 0);
    return system.pages.freePagesTotal();
  });
}

test("each kind of request leaves as many pages as its watermark says", () => {
  const { kernel, reserves } = booted();
  const zones = systemOf(kernel).pages.zones;
  const low = zones.reduce((sum, zone) => sum + reserves.watermark(zone, "low"), 0);
  const min = zones.reduce((sum, zone) => sum + reserves.watermark(zone, "min"), 0);
  expect([low - min, min]).toEqual([Math.floor(min / 4), expect.any(Number)]);
  const ordinary = freeAfterTaking(kernel, GFP_KERNEL);
  const atomic = freeAfterTaking(kernel, GFP_ATOMIC);
  expect(ordinary).toBeGreaterThan(min - 16);
  expect(atomic).toBeLessThan(ordinary);
  expect(atomic).toBeGreaterThan(min / 4);
  expect(freeAfterTaking(kernel, __GFP_MEMALLOC | __GFP_NOMEMALLOC)).toBe(atomic);
  expect(freeAfterTaking(kernel, __GFP_MEMALLOC)).toBe(0);
});

test("a task with PF_MEMALLOC may use the reserves until it gives that back", () => {
  const { kernel, reserves } = booted();
  reserves.minFreeKbytes = EVERYTHING;
  expect(kernel.kmalloc(65_536)).toBe(0);
  const flags = reserves.noreclaimSave();
  expect(kernel.kmalloc(65_536)).not.toBe(0);
  reserves.noreclaimRestore(flags);
  expect(kernel.kmalloc(65_536)).toBe(0);
});

test("a page of the reserves is an ordinary one when it is handed out again", () => {
  const { kernel, reserves } = booted();
  const { pages } = systemOf(kernel);
  const take = (gfp: number): number => kernel.run(() => pages.allocPages(gfp, 1, 0));
  const { minFreeKbytes } = reserves;
  reserves.minFreeKbytes = EVERYTHING;
  const page = take(__GFP_MEMALLOC);
  expect(reserves.isReserve(page)).toBe(true);
  kernel.run(() => pages.freePages(page, 1));
  reserves.minFreeKbytes = minFreeKbytes;
  expect(take(GFP_KERNEL)).toBe(page);
  expect(reserves.isReserve(page)).toBe(false);
});

test("KASAN knows which pages are in use, whoever hands them out", () => {
  const { kernel } = booted({ kernel: "6.1", kasan: true, kfence: { sampleInterval: 1 } });
  kernel.view32(kernel.kmalloc(64))[0] = 1;
  expect(kernel.debug.badAccesses).toBe(0);
});

test("KASAN knows the first object of a slab that lies behind KFENCE's pool", () => {
  const kfence = { sampleInterval: 1_000_000 };
  const kernel = boot({ kernel: "6.1", cpus: 1, memory: 8 * MIB, kasan: true, kfence });
  const { pool } = systemOf(kernel).common.kfence as Kfence;
  const end = pool.start + pool.size;
  const objects: number[] = [];
  while (objects.at(-1) !== end && objects.at(-1) !== 0) objects.push(kernel.kmalloc(4096));
  kernel.kfree(end);
  expect(kernel.debug.badAccesses).toBe(0);
});

test("kmemcheck knows which pages nobody has written, whoever hands them out", () => {
  const { kernel } = booted({ kmemcheck: true });
  expect(kernel.view32(kernel.kmalloc(65_536))[0]).toBeDefined();
  expect(kernel.debug.badAccesses).toBe(1);
});

describe("shrinkers", () => {
  function withCache(): { kernel: Kernel; reserves: Reserves; cached: number[]; calls: string[] } {
    const { kernel, reserves } = booted();
    const calls: string[] = [];
    const cached = Array.from({ length: 40 }, () => kernel.kmalloc(8192 * 4));
    reserves.registerShrinker({
      count: () => cached.length,
      scan: (most) => {
        calls.push(`scan ${most}`);
        for (const object of cached.splice(0, most)) kernel.kfree(object);
        return most;
      },
    });
    return { kernel, reserves, cached, calls };
  }

  test("are called where memory is short, and the request is met by what they free", () => {
    const { kernel, cached } = withCache();
    const taken: number[] = [];
    while (cached.length > 0) {
      const object = kernel.kmalloc(8192 * 4);
      expect(object).not.toBe(0);
      taken.push(object);
    }
    expect(taken.length).toBeGreaterThan(40);
  });

  test("are not called by requests that cannot wait", () => {
    const { kernel, calls } = withCache();
    while (kernel.kmalloc(8192 * 4, GFP_ATOMIC) !== 0);
    expect(calls).toEqual([]);
  });

  test("are credited with the pages of slabs that they had given back (reclaim_state)", () => {
    const { kernel, reserves } = booted();
    const s = kernel.kmemCacheCreate("shrunk", 4096);
    const cached = Array.from({ length: 60 }, () => kernel.kmemCacheAlloc(s));
    reserves.registerShrinker({
      count: () => cached.length,
      scan: (most) => {
        for (const object of cached.splice(0, most)) kernel.kmemCacheFree(s, object);
        kernel.kmemCacheShrink(s);
        return most;
      },
    });
    const pagesBack = kernel.run(() => reserves.reclaim(0));
    expect(pagesBack).toBeGreaterThanOrEqual(32);
    expect(kernel.run(() => systemOf(kernel).pages.nodePageState(0, 1))).toBeGreaterThan(0);
  });

  test("are asked once for a request with __GFP_NORETRY, and until they free nothing for others", () => {
    const { kernel, reserves } = booted();
    let looks = 0;
    let rounds = 3;
    reserves.registerShrinker({
      count: () => {
        looks++;
        return 1;
      },
      scan: () => {
        // As if slabs had been given back, of which nobody gets a page.
        if (rounds-- > 0) reserves.credit(32);
        return 1;
      },
    });
    reserves.minFreeKbytes = EVERYTHING;
    const looksFor = (gfp: number): number => {
      looks = 0;
      rounds = 3;
      expect(kernel.run(() => systemOf(kernel).pages.allocPages(gfp, 0, -1))).toBe(0);
      return looks;
    };
    expect(looksFor(GFP_KERNEL | __GFP_NORETRY)).toBeLessThan(looksFor(GFP_KERNEL));
  });
});

test("a request with __GFP_NOFAIL waits for a page that another task gives back", () => {
  const scenario = scenarioOf({
    name: "nofail",
    story: "",
    machine: { cpus: 2 },
    setup: on(0, pages("p", 1), minFree(EVERYTHING), call("all pages", takeAll)),
    contexts: [task("A", 0, call("a page", takeOne)), task("B", 1, freePages("p"))],
  });
  const { failure, complete } = explore({
    ...scenario,
    check: {},
    search: { strategy: "bound", preemptions: 1, seconds: 30 },
  });
  expect([failure, complete?.preemptions]).toEqual([undefined, 1]);
});

type StepBody = Parameters<typeof call>[1];

const takeAll: StepBody = ({ system }) => {
  while (system.pages.allocPages(__GFP_MEMALLOC | __GFP_NOWARN, 0, -1) !== 0);
  return undefined;
};

const takeOne: StepBody = ({ system }) => {
  if (system.pages.allocPages(GFP_KERNEL | __GFP_NOFAIL, 0, -1) === 0) throw new Error("NULL");
  return undefined;
};

describe.each(["4.1", "6.1", "6.19", "7.1"] as const)("SLUB of %s", (kernel: KernelVersion) => {
  test("keeps slabs of the reserves for those that may use them", () => {
    const { kernel: machine, reserves } = booted({ kernel, cpus: 2 });
    const s = machine.kmemCacheCreate("reserved", 1024);
    const ordinary = machine.kmemCacheAlloc(s);
    expect(ordinary).not.toBe(0);
    while (machine.kmalloc(4096) !== 0);
    reserves.minFreeKbytes = EVERYTHING;
    const take = (gfp = GFP_KERNEL): number => machine.kmemCacheAlloc(s, gfp | __GFP_NOWARN);
    while (take() !== 0);
    const reserved = Array.from({ length: 8 }, () => take(GFP_KERNEL | __GFP_MEMALLOC));
    expect(reserved).not.toContain(0);
    // Its objects come back, to the list of the node.
    machine.kmemCacheFreeBulk(s, 6, reserved.splice(0, 6));
    const flush = (): unknown =>
      machine.run(() => systemOf(machine).observer.steps.get("flush")?.(s));
    flush();
    expect(take()).toBe(0);
    expect(take(GFP_KERNEL | __GFP_MEMALLOC)).not.toBe(0);
    flush();
    machine.kmemCacheFree(s, ordinary);
    expect(take()).toBe(ordinary);
  });
});

test.each(["4.1", "6.1"] as const)(
  "SLUB of %s: an ordinary request gives a reserved cpu slab up, whatever others have freed into it",
  (version) => {
    const { kernel, reserves } = booted({ kernel: version, cpus: 2 });
    const s = kernel.kmemCacheCreate("reserved", 1024);
    reserves.minFreeKbytes = EVERYTHING;
    const take = (gfp: number): number =>
      kernel.run(() => kernel.kmemCacheAlloc(s, gfp | __GFP_NOWARN), 0);
    const reserved = [0, 1, 2, 3].map(() => take(GFP_KERNEL | __GFP_MEMALLOC));
    expect(reserved).not.toContain(0);
    kernel.run(() => kernel.kmemCacheFree(s, reserved[1] ?? 0), 1);
    expect(take(GFP_KERNEL)).toBe(0);
    expect(take(GFP_KERNEL | __GFP_MEMALLOC)).toBe(reserved[1]);
    expect(audit(systemOf(kernel))).toEqual([]);
  },
);

test("the fast path of SLUB does not look: an object of a reserved cpu slab goes to any task", () => {
  const { kernel, reserves } = booted();
  const s = kernel.kmemCacheCreate("reserved", 1024);
  reserves.minFreeKbytes = EVERYTHING;
  expect(kernel.kmemCacheAlloc(s)).toBe(0);
  expect(kernel.kmemCacheAlloc(s, GFP_KERNEL | __GFP_MEMALLOC)).not.toBe(0);
  expect(kernel.kmemCacheAlloc(s)).not.toBe(0);
});

test("a kernel that was booted without reserves has none", () => {
  expect(boot().reserves).toBeUndefined();
});

/** Objects of the reserves that a SLAB has handed out, and how a request fares. */
function withReservedObjects(count: number, options: BootOptions = {}) {
  const { kernel, reserves } = booted({ allocator: "slab", ...options });
  const s = kernel.kmemCacheCreate("reserved", 1024);
  const ordinary = kernel.kmemCacheAlloc(s);
  reserves.minFreeKbytes = EVERYTHING;
  const take = (gfp = GFP_KERNEL): number => kernel.kmemCacheAlloc(s, gfp | __GFP_NOWARN);
  while (take() !== 0);
  const reserved = Array.from({ length: count }, () => take(GFP_KERNEL | __GFP_MEMALLOC));
  expect(reserved).not.toContain(0);
  return { kernel, reserves, s, ordinary, take, reserved };
}

describe("SLAB of 4.1", () => {
  test("a marked object in an array is for those that may use the reserves", () => {
    const { kernel, s, take, reserved } = withReservedObjects(4);
    for (const object of reserved) kernel.kmemCacheFree(s, object);
    expect(take()).toBe(0);
    expect(take(GFP_KERNEL | __GFP_MEMALLOC)).toBe(reserved[3]);
    expect(audit(systemOf(kernel))).toEqual([]);
  });

  test("a request passes over marked objects to one without a mark", () => {
    const { kernel, s, ordinary, take, reserved } = withReservedObjects(3);
    kernel.kmemCacheFree(s, ordinary);
    for (const object of reserved) kernel.kmemCacheFree(s, object);
    expect(take()).toBe(ordinary);
    expect(take()).toBe(0);
    const again = reserved.map(() => take(GFP_KERNEL | __GFP_MEMALLOC));
    expect(again.toSorted()).toEqual(reserved.toSorted());
    expect(audit(systemOf(kernel))).toEqual([]);
  });

  test("once a whole slab is free again, marked objects are for everybody", () => {
    const { kernel, reserves, s, take, reserved } = withReservedObjects(4);
    for (const object of reserved) kernel.kmemCacheFree(s, object);
    expect(take()).toBe(0);
    reserves.minFreeKbytes = 128;
    expect(take()).toBe(reserved[3]);
    expect(audit(systemOf(kernel))).toEqual([]);
  });

  test("marked objects go home to their slabs, and come again", () => {
    const { kernel, s, reserved } = withReservedObjects(4);
    for (const object of reserved) kernel.kmemCacheFree(s, object);
    kernel.kmemCacheShrink(s);
    expect(audit(systemOf(kernel))).toEqual([]);
    expect(kernel.kmemCacheAlloc(s, GFP_KERNEL | __GFP_MEMALLOC)).toBeGreaterThan(0);
  });
});

describe("SLAB of 6.1", () => {
  /** All objects of `slabs` slabs of the reserves; none of them lies in the array. */
  function withWholeSlabs(slabs = 1) {
    const made = withReservedObjects(4 * slabs, { kernel: "6.1" });
    const { memory, allocator } = systemOf(made.kernel);
    const { context } = allocator as Slab;
    const inArray = (): number =>
      made.kernel.run(() => memory.read32(context.cpuArray(made.s) + ArrayCache.avail));
    const critical = (): number => made.take(GFP_KERNEL | __GFP_MEMALLOC);
    expect(inArray()).toBe(0);
    return { ...made, inArray, critical };
  }

  test("an object of the reserves goes home past the array, and to none without the right", () => {
    const { kernel, s, take, critical, reserved, inArray } = withWholeSlabs();
    for (const object of reserved) kernel.kmemCacheFree(s, object);
    expect([inArray(), take()]).toEqual([0, 0]);
    const again = reserved.map(critical);
    expect(again.toSorted()).toEqual(reserved.toSorted());
    expect(inArray()).toBe(0);
    expect(audit(systemOf(kernel))).toEqual([]);
  });

  test("objects of the reserves go home in bulk, too", () => {
    const { kernel, s, take, reserved, inArray } = withWholeSlabs();
    kernel.kmemCacheFreeBulk(s, reserved.length, [...reserved]);
    expect([inArray(), take()]).toEqual([0, 0]);
    expect(audit(systemOf(kernel))).toEqual([]);
  });

  test("a request passes over a slab of the reserves to one behind it, and leaves it at the end", () => {
    const { kernel, s, ordinary, take, critical, reserved } = withWholeSlabs();
    const [home = 0] = reserved;
    kernel.kmemCacheFree(s, home);
    kernel.kmemCacheFree(s, ordinary);
    kernel.kmemCacheShrink(s);
    expect([take(), take(), critical()]).toEqual([ordinary, 0, home]);
    expect(audit(systemOf(kernel))).toEqual([]);
  });

  test("where more objects are free than a node keeps, they are for everybody", () => {
    const { kernel, reserves, s, take, reserved } = withWholeSlabs(20);
    const allButOne = reserved.filter((_, i) => i % 4 !== 0);
    for (const object of allButOne.slice(0, -2)) kernel.kmemCacheFree(s, object);
    expect(take()).toBe(0);
    for (const object of allButOne.slice(-2)) kernel.kmemCacheFree(s, object);
    const object = take();
    expect(allButOne).toContain(object);
    expect(reserves.isReserve(systemOf(kernel).pages.virtToHeadPage(object))).toBe(false);
    expect(audit(systemOf(kernel))).toEqual([]);
  });

  test("the rest of a new slab lies in the array, where any request takes it", () => {
    const { take } = withReservedObjects(1, { kernel: "6.1" });
    expect(take()).not.toBe(0);
  });
});
