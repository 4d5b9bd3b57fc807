/**
 * What every allocator behind caches/allocator.ts promises, asked of each in turn. None of these
 * tests knows which one it talks to; each ends with a clean audit.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EIO } from "../../src/caches/errno.ts";
import type { AuditFinding } from "../../src/check/audit.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { systemOf } from "../../src/kernel/kernel.ts";
import type { Address } from "../../src/machine/memory.ts";
import {
  __GFP_DMA,
  __GFP_THISNODE,
  __GFP_ZERO,
  GFP_ATOMIC,
  GFP_KERNEL,
} from "../../src/pages/gfp.ts";
import { NR_SLAB_RECLAIMABLE, NR_SLAB_UNRECLAIMABLE } from "../../src/pages/pages.ts";
import { failureOf, type Watched, watched } from "../check/systems.ts";

const RECLAIM_ACCOUNT = 0x20000;
const TYPESAFE_BY_RCU = 0x80000;
const HWCACHE_ALIGN = 0x2000;

const debugging = { slub_debug: "FZPU", slab_nomerge: true };

const allocators: readonly (readonly [string, BootOptions])[] = [
  ["SLUB of 4.1", {}],
  ["SLUB of 6.1", { kernel: "6.1" }],
  ["SLUB of 6.1, debugging", { kernel: "6.1", parameters: debugging }],
  ["SLUB of 6.19", { kernel: "6.19" }],
  ["SLUB of 6.19, debugging", { kernel: "6.19", parameters: debugging }],
  ["SLUB of 7.1", { kernel: "7.1" }],
  ["SLUB of 7.1, debugging", { kernel: "7.1", parameters: debugging }],
  ["SLUB of 7.1, hardened", { kernel: "7.1", hardened: true, randomized: true }],
  ["SLAB of 4.1", { allocator: "slab", kernel: "4.1" }],
  ["SLAB of 6.1", { allocator: "slab", kernel: "6.1" }],
  ["SLAB of 4.1 with DEBUG_SLAB", { allocator: "slab", kernel: "4.1", config: ["DEBUG_SLAB"] }],
  ["SLAB of 6.1 with DEBUG_SLAB", { allocator: "slab", kernel: "6.1", config: ["DEBUG_SLAB"] }],
  ["SLAB of 6.1, random order", { allocator: "slab", kernel: "6.1", randomized: true }],
];

/** SLUB since 4.14, with consistency checks or hardened. */
function checksFrees({ allocator, kernel, parameters, hardened }: BootOptions): boolean {
  return allocator !== "slab" && kernel !== undefined && (parameters === debugging || !!hardened);
}

describe.each(allocators)("%s", (_name, options) => {
  let system: Watched;
  let held: Address[];

  beforeEach(() => {
    const parameters = { slab_nomerge: true };
    system = watched({ cpus: 4, nodes: 2, memory: 5 << 20, parameters, ...options });
    held = [];
  });

  function clean(): AuditFinding[] {
    system.kernel.run(() => systemOf(system.kernel).machine.rcu.barrier());
    return system.findings();
  }

  afterEach(() => {
    expect(clean()).toEqual([]);
  });

  function on<T>(cpu: number, act: () => T): T {
    return system.kernel.run(act, cpu);
  }

  function take(s: number, count: number, cpu = 0, gfp = GFP_KERNEL): Address[] {
    const objects = on(cpu, () =>
      Array.from({ length: count }, () => system.kernel.kmemCacheAlloc(s, gfp)),
    );
    held.push(...objects);
    return objects;
  }

  function giveAll(cpu = 0): void {
    on(cpu, () => {
      for (const object of held.splice(0)) system.kernel.kfree(object);
    });
  }

  /** With those of kmalloc, where the allocator's own objects move about in its slabs. */
  function freePages(): number {
    const { pages, observer } = systemOf(system.kernel);
    return pages.freePagesTotal() + (observer.ownObjectsMove === true ? kmallocPages() : 0);
  }

  function kmallocPages(): number {
    const { common, observer } = systemOf(system.kernel);
    const kmalloc = common.caches().filter((s) => common.nameOf(s).startsWith("kmalloc-"));
    return kmalloc
      .map((s) => observer.slabInfo(s))
      .reduce((sum, { numSlabs, cacheOrder }) => sum + (numSlabs << cacheOrder), 0);
  }

  test("objects of a cache are aligned and do not overlap", () => {
    for (const [size, align] of [
      [8, 0],
      [40, 8],
      [100, 64],
      [1500, 0],
      [5000, 0],
    ] as const) {
      const s = system.kernel.kmemCacheCreate(`overlap-${size}`, size, { align });
      const objects = take(s, 60).sort((a, b) => a - b);
      for (const [i, object] of objects.entries()) {
        expect(object % Math.max(align, 8)).toBe(0);
        if (i > 0) expect(object - (objects[i - 1] as Address)).toBeGreaterThanOrEqual(size);
      }
      giveAll();
    }
  });

  test("an object keeps what is written to it, and is zeroed only if asked", () => {
    const { kernel } = system;
    const s = kernel.kmemCacheCreate("contents", 200);
    const objects = take(s, 100);
    for (const object of objects) systemOf(kernel).memory.fill(object, 0xee, 200);
    for (const object of objects)
      expect(systemOf(kernel).memory.findOther(object, 0xee, 200)).toBe(0);
    giveAll();
    for (const object of take(s, 100, 0, GFP_KERNEL | __GFP_ZERO)) {
      expect(systemOf(kernel).memory.findOther(object, 0, 200)).toBe(0);
    }
    giveAll();
  });

  test("pages of slabs are counted apart, those that could be reclaimed and the others", () => {
    const { kernel } = system;
    const { pages } = systemOf(kernel);
    const counts = (): [number, number] => [
      pages.nodePageState(0, NR_SLAB_RECLAIMABLE),
      pages.nodePageState(0, NR_SLAB_UNRECLAIMABLE),
    ];
    const grown = (name: string, flags: number): boolean[] => {
      const before = counts();
      const s = kernel.kmemCacheCreate(name, 1000, { flags });
      take(s, 100);
      const [reclaimable, other] = counts();
      giveAll();
      expect(on(0, () => kernel.kmemCacheDestroy(s))).toBe(0);
      return [reclaimable > before[0] + 20, other > before[1] + 20];
    };
    const [reclaimable] = counts();
    expect(grown("reclaimable", RECLAIM_ACCOUNT)).toEqual([true, false]);
    expect(counts()[0]).toBe(reclaimable);
    expect(grown("kept", 0)).toEqual([false, true]);
  });

  test("every object was constructed before it is handed out", () => {
    const { kernel } = system;
    const ctor = kernel.registerConstructor((object) =>
      systemOf(kernel).memory.fill(object, 0xc0, 64),
    );
    const s = kernel.kmemCacheCreate("constructed", 64, { ctor });
    for (let round = 0; round < 3; round++) {
      for (const object of take(s, 150)) {
        expect(systemOf(kernel).memory.findOther(object, 0xc0, 64)).toBe(0);
      }
      giveAll();
    }
  });

  test("kmalloc serves every size, and all of it comes back", () => {
    const { kernel } = system;
    for (const size of [1, 8, 9, 96, 97, 192, 200, 256, 4096, 4097, 8192, 8193, 70_000, 300_000]) {
      const object = on(0, () => kernel.kmalloc(size));
      expect(object, `kmalloc(${size})`).not.toBe(0);
      expect(kernel.ksize(object)).toBeGreaterThanOrEqual(size);
      systemOf(kernel).memory.fill(object, 0x11, size);
      on(0, () => kernel.kfree(object));
    }
    expect(kernel.kmalloc(1 << 23)).toBe(0);
  });

  test("kmalloc(0) and kfree(NULL) are nothing", () => {
    const { kernel } = system;
    expect(kernel.kmalloc(0)).toBe(16);
    kernel.kfree(16);
    kernel.kfree(0);
  });

  test("a size that no memory has is NULL, however many bits it takes", () => {
    const { kernel } = system;
    const object = kernel.kmalloc(100);
    for (const size of [2 ** 31, 2 ** 32 + 1, 2 ** 32 + 64, 2 ** 35 + 64, Infinity]) {
      expect(kernel.kmalloc(size), `kmalloc(${size})`).toBe(0);
      expect(kernel.krealloc(object, size), `krealloc(${size})`).toBe(0);
    }
    for (const size of [-1, -64, -(2 ** 32) + 64]) {
      expect(kernel.kmalloc(size), `kmalloc(${size})`).toBe(0);
      expect(kernel.krealloc(object, size), `krealloc(${size})`).toBe(0);
    }
    expect(() => kernel.kmalloc(Number.NaN)).toThrow("kmalloc: NaN is no number of bytes");
    kernel.kfree(object);
  });

  test("__GFP_DMA asks nothing of objects where there is no ZONE_DMA", () => {
    const { kernel } = system;
    for (const size of [8, 64, 5000]) {
      const object = on(1, () => kernel.kmalloc(size, GFP_KERNEL | __GFP_DMA));
      expect(kernel.ksize(object), `kmalloc(${size})`).toBeGreaterThanOrEqual(size);
      on(0, () => kernel.kfree(object));
    }
  });

  test("an object asked of a node is of that node, from any CPU", () => {
    const { kernel } = system;
    const s = kernel.kmemCacheCreate("placed", 128);
    for (const cpu of [0, 1, 2, 3]) {
      for (const node of [0, 1]) {
        const objects = on(cpu, () =>
          Array.from({ length: 70 }, () =>
            kernel.kmemCacheAllocNode(s, GFP_KERNEL | __GFP_THISNODE, node),
          ),
        );
        objects.push(on(cpu, () => kernel.kmallocNode(100, GFP_KERNEL | __GFP_THISNODE, node)));
        for (const object of objects) {
          expect(
            systemOf(kernel).pages.pageToNid(systemOf(kernel).pages.virtToHeadPage(object)),
          ).toBe(node);
        }
        held.push(...objects);
      }
    }
    giveAll(3);
  });

  test("where a node has no memory left others help out, unless it must be that one", () => {
    const { kernel } = system;
    const s = kernel.kmemCacheCreate("overflowing", 2048);
    const nodes = new Set<number>();
    on(0, () => {
      const pages = freePages();
      for (let object = 1; object !== 0; ) {
        object = kernel.kmemCacheAllocNode(s, GFP_KERNEL | __GFP_THISNODE, 1);
        if (object !== 0) held.push(object);
      }
      expect(freePages()).toBeGreaterThan(pages / 4);
      for (let i = 0; i < 50; i++) {
        const object = kernel.kmemCacheAllocNode(s, GFP_KERNEL, 1);
        expect(object).not.toBe(0);
        nodes.add(systemOf(kernel).pages.pageToNid(systemOf(kernel).pages.virtToHeadPage(object)));
        held.push(object);
      }
    });
    expect([...nodes]).toEqual([0]);
    giveAll();
  });

  test("an object asked of a node that the machine does not have is another's, or none", () => {
    const { kernel } = system;
    const s = kernel.kmemCacheCreate("elsewhere", 128);
    for (const node of [2, 7, 1000, -2]) {
      on(3, () => {
        held.push(kernel.kmemCacheAllocNode(s, GFP_KERNEL, node));
        expect(kernel.kmemCacheAllocNode(s, GFP_KERNEL | __GFP_THISNODE, node)).toBe(0);
        held.push(kernel.kmallocNode(20_000, GFP_KERNEL, node));
        expect(kernel.kmallocNode(20_000, GFP_KERNEL | __GFP_THISNODE, node)).toBe(0);
      });
    }
    expect(held).not.toContain(0);
    giveAll(3);
  });

  test("objects may be freed on any CPU", () => {
    const s = system.kernel.kmemCacheCreate("carried", 256);
    for (let round = 0; round < 3; round++) {
      for (const cpu of [0, 1, 2, 3]) take(s, 100, cpu);
      for (const cpu of [3, 2, 1, 0]) {
        on(cpu, () => {
          for (const object of held.splice(0, 100)) system.kernel.kmemCacheFree(s, object);
        });
      }
      expect(clean()).toEqual([]);
    }
  });

  test("without memory an allocation returns NULL, and works again after a free", () => {
    const { kernel } = system;
    const s = kernel.kmemCacheCreate("greedy", 2048);
    for (;;) {
      const [object = 0] = take(s, 1);
      if (object === 0) break;
    }
    held.pop();
    expect(held.length).toBeGreaterThan(500);
    expect(clean()).toEqual([]);
    expect(take(s, 1, 0, GFP_ATOMIC)[0]).toBeDefined();
    held = held.filter((object) => object !== 0);
    const last = held.pop() as Address;
    on(0, () => kernel.kfree(last));
    expect(take(s, 1)[0]).not.toBe(0);
    giveAll();
    expect(take(s, 50)).not.toContain(0);
    giveAll();
  });

  test("bulk calls are all or nothing", () => {
    const { kernel } = system;
    const s = kernel.kmemCacheCreate("bulk", 512);
    const p: Address[] = [];
    expect(on(1, () => kernel.kmemCacheAllocBulk(s, 300, p))).toBe(300);
    expect(new Set(p).size).toBe(300);
    expect(p).not.toContain(0);
    on(2, () => kernel.kmemCacheFreeBulk(s, 300, p));
    const q: Address[] = [];
    const pages = freePages();
    expect(on(1, () => kernel.kmemCacheAllocBulk(s, pages * 8 + 1000, q))).toBe(0);
    expect(clean()).toEqual([]);
    const mixed = [kernel.kmalloc(10), kernel.kmalloc(100), kernel.kmalloc(1000)];
    on(1, () => kernel.kmemCacheFreeBulk(0, 3, mixed));
  });

  test("shrinking gives back every page that no object needs", () => {
    const { kernel } = system;
    const s = kernel.kmemCacheCreate("shrunk", 1024);
    const before = freePages();
    for (const cpu of [0, 1, 2, 3]) take(s, 50, cpu);
    expect(on(0, () => kernel.kmemCacheShrink(s))).not.toBe(0);
    giveAll(1);
    expect(on(0, () => kernel.kmemCacheShrink(s))).toBe(0);
    expect(freePages()).toBe(before);
  });

  test("a cache with objects is not destroyed, one without is, and leaves nothing", () => {
    const { kernel } = system;
    on(0, () => kernel.kmemCacheDestroy(kernel.kmemCacheCreate("warm", 300)));
    for (const s of systemOf(kernel).common.caches()) on(0, () => kernel.kmemCacheShrink(s));
    const before = freePages();
    const s = kernel.kmemCacheCreate("mortal", 300);
    take(s, 100, 2);
    expect(on(0, () => kernel.kmemCacheDestroy(s))).toBeLessThan(0);
    giveAll(1);
    expect(on(0, () => kernel.kmemCacheDestroy(s))).toBe(0);
    for (const other of systemOf(kernel).common.caches())
      on(0, () => kernel.kmemCacheShrink(other));
    expect(freePages()).toBe(before);
  });

  test("pages of a TYPESAFE_BY_RCU cache outlive a reader", () => {
    const { kernel } = system;
    const s = kernel.kmemCacheCreate("typesafe", 400, { flags: TYPESAFE_BY_RCU });
    take(s, 100);
    const before = freePages();
    on(0, () => {
      systemOf(kernel).machine.rcu.readLock();
      for (const object of held.splice(0)) kernel.kmemCacheFree(s, object);
      kernel.kmemCacheShrink(s);
      expect(freePages()).toBe(before);
      systemOf(kernel).machine.rcu.readUnlock();
      systemOf(kernel).machine.rcu.barrier();
    });
    expect(freePages()).toBeGreaterThan(before);
  });

  test("caches of all shapes live side by side", () => {
    const { kernel } = system;
    const caches = [8, 24, 64, 100, 192, 256, 700, 1500, 3000, 6000].map((size) =>
      kernel.kmemCacheCreate(`shape-${size}`, size, { flags: HWCACHE_ALIGN }),
    );
    for (let round = 0; round < 4; round++) {
      for (const [i, s] of caches.entries()) take(s, 40, (i + round) % 4);
      on(round, () => {
        for (const object of held.splice(0, held.length >> 1)) kernel.kfree(object);
      });
      expect(clean()).toEqual([]);
    }
    giveAll(3);
    for (const s of caches) expect(on(0, () => kernel.kmemCacheDestroy(s))).toBe(0);
  });

  test("queues are tuned while objects lie in them, or that is refused", () => {
    const { kernel } = system;
    const s = kernel.kmemCacheCreate("tuned", 256);
    take(s, 100);
    giveAll(3);
    const [first] = take(s, 30, 1);
    for (const [limit, batchcount, shared] of [
      [10, 5, 0],
      [60, 60, 4],
      [0, 0, -1],
    ] as const) {
      const error = on(2, () => systemOf(kernel).allocator.tune(s, limit, batchcount, shared));
      expect([0, -EIO]).toContain(error);
      expect(clean()).toEqual([]);
    }
    expect(first).not.toBe(0);
    giveAll(1);
    expect(on(0, () => kernel.kmemCacheShrink(s))).toBe(0);
  });

  test("the observer names objects, slabs, events and locks", () => {
    const { kernel } = system;
    const { observer, memory } = systemOf(kernel);
    const s = kernel.kmemCacheCreate("watched", 500);
    const events = () =>
      [0, 1, 2, 3].map((cpu) =>
        observer.statNames.map((_, i) => memory.readOnce(observer.statWords(s, cpu) + 4 * i)),
      );
    const before = events();
    const objects = take(s, 40, 1);
    const sum = (counts: number[] = []) => counts.reduce((a, b) => a + b, 0);
    const after = events();
    expect(sum(after[1])).toBeGreaterThanOrEqual(sum(before[1]) + 40);
    for (const cpu of [0, 2, 3]) expect(after[cpu]).toEqual(before[cpu]);

    const page = systemOf(kernel).pages.virtToHeadPage(objects[0] as Address);
    const usage = observer.slabUsage(s, page);
    const info = on(0, () => observer.slabInfo(s));
    expect(usage.objects).toBe(info.objectsPerSlab);
    expect(usage.active).toBeGreaterThan(0);
    expect(usage.active).toBeLessThanOrEqual(usage.objects);
    expect(info.numObjs).toBe(info.numSlabs * info.objectsPerSlab);
    expect(info.activeObjs).toBeGreaterThanOrEqual(40);
    expect(info.activeObjs).toBeLessThanOrEqual(info.numObjs);

    const locks = observer.locksOf(s);
    expect(new Set(locks.map(({ name }) => name)).size).toBe(locks.length);
    expect(locks.filter(({ name }) => name.startsWith("list_lock"))).toHaveLength(2);
    for (const { at } of locks) expect(memory.readOnce(at)).toBe(0);
    giveAll(2);
  });

  test("time that passes loses nothing that is held", () => {
    const { kernel } = system;
    const s = kernel.kmemCacheCreate("aged", 128);
    const kept = take(s, 50, 1);
    for (const object of kept) systemOf(kernel).memory.fill(object, 0x5c, 128);
    take(s, 200, 3);
    on(0, () => {
      for (const object of held.splice(50)) kernel.kfree(object);
    });
    for (let jiffies = 0; jiffies < 20_000; jiffies += 250) {
      for (const cpu of [0, 1, 2, 3]) on(cpu, () => systemOf(kernel).allocator.tick(jiffies));
    }
    expect(clean()).toEqual([]);
    for (const object of kept) expect(systemOf(kernel).memory.findOther(object, 0x5c, 128)).toBe(0);
    giveAll(2);
  });

  test("bulk allocation of a count below 1 allocates nothing; a bulk free beyond its array is refused", () => {
    const { kernel } = system;
    const s = kernel.kmemCacheCreate("counted", 128);
    for (const size of [0, -1]) {
      const p: Address[] = [];
      expect(on(0, () => kernel.kmemCacheAllocBulk(s, size, p))).toBe(0);
      expect(p).toEqual([]);
    }
    const objects = take(s, 3);
    for (const cache of [s, 0]) {
      const free = () => on(0, () => kernel.kmemCacheFreeBulk(cache, 4, [...objects]));
      expect(failureOf(free)).toBe("bad-access");
    }
    giveAll();
  });

  test("a free of undefined or NaN is refused", () => {
    const { kernel } = system;
    const s = kernel.kmemCacheCreate("addressed", 128);
    for (const nothing of [undefined, Number.NaN] as number[]) {
      expect(failureOf(() => kernel.kfree(nothing))).toBe("bad-access");
      expect(failureOf(() => kernel.kmemCacheFree(s, nothing))).toBe("bad-access");
    }
  });

  test("a free of a non-object, or to the wrong cache, is refused and names what was found", () => {
    const { kernel } = system;
    const [a, b] = [kernel.kmemCacheCreate("mine", 320), kernel.kmemCacheCreate("yours", 3200)];
    const [object = 0] = take(a, 1);
    const lastPage = systemOf(kernel).machine.layout.end - 4096;
    expect(failureOf(() => on(0, () => kernel.kfree(lastPage)))).toBe("bad-access");
    const reports: unknown[] = [];
    kernel.debug.onReport((report) => reports.push(report));
    const failure = failureOf(() => on(0, () => kernel.kmemCacheFree(b, object)));
    // A kernel that checks such frees itself says so and goes on: see test/slub/wrong-cache.
    const goesOn = checksFrees(options);
    expect([failure, reports.length]).toEqual(goesOn ? ["none", 1] : ["wrong-slab", 0]);
    // Since 7.0 the object stays in use.
    if (goesOn && options.kernel !== "7.1") held.pop();
    giveAll();
  });
});
