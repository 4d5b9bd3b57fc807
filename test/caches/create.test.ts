/** The coming and going of caches on a running machine. */

import { describe, expect, test } from "vitest";
import type { AllocatorClass } from "../../src/caches/allocator-class.ts";
import { E2BIG, EBUSY, EEXIST, EINVAL } from "../../src/caches/errno.ts";
import {
  SLAB_CACHE_DMA,
  SLAB_HWCACHE_ALIGN,
  SLAB_NOLEAKTRACE,
  SLAB_PANIC,
  SLAB_POISON,
  SLAB_STORE_USER,
  SLAB_TYPESAFE_BY_RCU,
} from "../../src/caches/flags.ts";
import { KmemCacheBase, SLAB_STATE } from "../../src/caches/kmem-cache.ts";
import { pointerText } from "../../src/caches/pointer-text.ts";
import { SlabCommon } from "../../src/caches/slab-common.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { onAllocator, onCommon, onSlub } from "../../src/kernel/classes.ts";
import { boot, type Kernel, systemOf } from "../../src/kernel/kernel.ts";
import { HotplugLock } from "../../src/machine/hotplug-lock.ts";
import { holderOf } from "../../src/machine/spinlock.ts";
import { KmemCache } from "../../src/slub/structs.ts";

const UNMERGED = { slab_nomerge: true };

function listen(kernel: Kernel): string[] {
  const lines: string[] = [];
  systemOf(kernel).machine.console.sink = (line) => lines.push(line);
  return lines;
}

function word(kernel: Kernel, s: number, field: number): number {
  return systemOf(kernel).memory.read32(s + field);
}

function linksTo(kernel: Kernel, s: number): string[] {
  return systemOf(kernel)
    .common.sysfsNames.names()
    .filter((entry) => entry.cache === s && entry.isLink)
    .map((entry) => entry.name);
}

function directoryOf(kernel: Kernel, s: number): string | undefined {
  return systemOf(kernel)
    .common.sysfsNames.names()
    .find((entry) => entry.cache === s && !entry.isLink)?.name;
}

/** A kernel that counts what is allocated inside, and fails one of those allocations. */
class Sabotage {
  readonly live = new Set<string>();
  /** Which allocation fails, counted from 1; 0: none. */
  failing = 0;
  count = 0;
  readonly kernel: Kernel;

  constructor(options: BootOptions) {
    const sabotage = this;
    const counting = <C extends AllocatorClass>(Base: C): C =>
      class extends (Base as AllocatorClass) {
        override slabAllocNode(s: number, gfp: number, node: number): number {
          return sabotage.made("object", sabotage.fails() ? 0 : super.slabAllocNode(s, gfp, node));
        }
        override slabFree(s: number, page: number, object: number): void {
          sabotage.live.delete(`object ${object}`);
          super.slabFree(s, page, object);
        }
      } as unknown as C;
    const change = onAllocator(counting);
    this.kernel = boot({ kernel: "4.1", cpus: 2, nodes: 2, ...options }, { change });
    const { percpu } = systemOf(this.kernel).machine;
    const alloc = percpu.alloc.bind(percpu);
    const free = percpu.free.bind(percpu);
    percpu.alloc = (bytes) => this.made("percpu", this.fails() ? 0 : alloc(bytes));
    percpu.free = (offset) => {
      this.live.delete(`percpu ${offset}`);
      free(offset);
    };
  }

  private fails(): boolean {
    return ++this.count === this.failing;
  }

  private made(what: string, at: number): number {
    if (at !== 0) this.live.add(`${what} ${at}`);
    return at;
  }
}

describe("when the n-th allocation inside of kmem_cache_create fails", () => {
  const requests: [string, BootOptions, { flags?: number; ctor?: number }][] = [
    ["a plain cache", { parameters: UNMERGED }, {}],
    ["a cache under RCU", { parameters: UNMERGED }, { flags: SLAB_TYPESAFE_BY_RCU }],
    ["a debug cache", {}, { flags: SLAB_POISON | SLAB_STORE_USER }],
    ["a mergeable cache", {}, { flags: SLAB_CACHE_DMA }],
    ["a cache with shuffled objects", { randomized: true, parameters: UNMERGED }, {}],
  ];
  test.each(requests)("%s is made or not, and nothing leaks", (_what, options, request) => {
    const sabotage = new Sabotage(options);
    const { kernel } = sabotage;
    const lines = listen(kernel);
    const caches = systemOf(kernel).common.caches();
    const names = systemOf(kernel).common.sysfsNames.names();
    const before = [...sabotage.live].sort();
    const errors: string[] = [];
    for (let n = 1; ; n++) {
      sabotage.count = 0;
      sabotage.failing = n;
      const s = kernel.kmemCacheCreate("fresh", 200, request);
      const reached = sabotage.count >= n;
      sabotage.failing = 0;
      if (s === 0) {
        errors.push(lines.pop() ?? "");
      } else {
        const object = kernel.kmemCacheAlloc(s);
        kernel.kmemCacheFree(s, object);
        expect(kernel.kmemCacheDestroy(s)).toBe(0);
      }
      expect([...sabotage.live].sort(), `allocation ${n} failed`).toEqual(before);
      expect(systemOf(kernel).common.caches()).toEqual(caches);
      expect(systemOf(kernel).common.sysfsNames.names()).toEqual(names);
      if (!reached) break;
    }
    // Name and struct; one node struct a node and the CPUs' part, which are -EINVAL; the directory.
    expect(errors).toEqual(
      [-12, -12, -22, -22, -22, -12].map(
        (error) => `kmem_cache_create(fresh) failed with error ${error}`,
      ),
    );
  });

  test("an alias without a link becomes a cache of its own", () => {
    const sabotage = new Sabotage({});
    const { kernel } = sabotage;
    const shared = kernel.kmemCacheCreate("first", 200);
    sabotage.count = 0;
    sabotage.failing = 1;
    const own = kernel.kmemCacheCreate("second", 200);
    sabotage.failing = 0;
    // It has the same id, so there is no directory for it, and it cannot be made either.
    expect(own).toBe(0);
    expect(word(kernel, shared, KmemCacheBase.refcount)).toBe(1);
  });

  test("the count sees a cache that keeps its name", () => {
    const sabotage = new Sabotage({ parameters: UNMERGED });
    const before = sabotage.live.size;
    sabotage.kernel.run(() => systemOf(sabotage.kernel).common.kstrdup("leaked"));
    expect(sabotage.live.size).toBe(before + 1);
  });
});

describe("kmem_cache_create", () => {
  test("with SLAB_PANIC stops the machine instead of answering 0", () => {
    const sabotage = new Sabotage({ parameters: UNMERGED });
    const { kernel } = sabotage;
    sabotage.count = 0;
    sabotage.failing = 1;
    expect(() => kernel.kmemCacheCreate("vital", 64, { flags: SLAB_PANIC })).toThrow(
      "Kernel panic - not syncing: kmem_cache_create: Failed to create slab 'vital'. Error -12",
    );
    expect(systemOf(kernel).memory.read32(systemOf(kernel).machine.layout.panic)).toBe(1);
  });

  test.each([
    ["", 64],
    ["empty", 0],
    ["huge", 4 * 1024 * 1024 + 1],
  ])("refuses what makes no sense: %j with objects of %i bytes", (name, size) => {
    const kernel = boot({ kernel: "4.1", cpus: 1 });
    const lines = listen(kernel);
    expect(kernel.kmemCacheCreate(name, size)).toBe(0);
    expect(lines).toEqual([
      `kmem_cache_create(${name}) integrity check failed`,
      `kmem_cache_create(${name}) failed with error -22`,
    ]);
  });

  const wrong = { name: "wrong", size: 64, align: 0, ctor: 0 };
  test.each([
    ["an alignment that is no number", { ...wrong, align: Number.NaN }],
    ["an alignment of 2^31", { ...wrong, align: 2 ** 31 }],
    ["a negative alignment", { ...wrong, align: -8 }],
    ["a name longer than any memory for it", { ...wrong, name: "n".repeat(9000) }],
    ["a name that fits, but not with its directory", { ...wrong, name: "n".repeat(8176) }],
  ])("refuses %s, and goes on", (_what, { name, size, ...options }) => {
    for (const allocator of ["slub", "slab"] as const) {
      const kernel = boot({ kernel: "4.1", cpus: 1, allocator });
      const before = systemOf(kernel).common.caches();
      expect(kernel.kmemCacheCreate(name, size, options)).toBe(0);
      expect(systemOf(kernel).common.caches()).toEqual(before);
      expect(kernel.kmemCacheCreate("right", 200)).not.toBe(0);
    }
  });

  test.each([
    ["wrong", Number.NaN, "NaN is no number of bytes"],
    ["wrong", 64.5, "64.5 is no number of bytes"],
    ["wrong", "64", '"64" is no number of bytes'],
    [null, 64, "null is no name"],
  ])("refuses the name %j with a size of %j, and goes on", (name, size, why) => {
    const kernel = boot({ kernel: "4.1", cpus: 1 });
    const create = () => kernel.kmemCacheCreate(name as string, size as number);
    expect(create).toThrow(`kmem_cache_create: ${why}`);
    expect(kernel.kmemCacheCreate("right", 200)).not.toBe(0);
  });

  test("refuses a constructor that nobody registered, and goes on", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1 });
    expect(() => kernel.kmemCacheCreate("wrong", 200, { ctor: 99 })).toThrow("no constructor 99");
    expect(kernel.kmemCacheCreate("right", 200)).not.toBe(0);
  });

  test("warns of a name that readers of /proc/slabinfo would take for two", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1 });
    const lines = listen(kernel);
    expect(kernel.kmemCacheCreate("two words", 24)).not.toBe(0);
    expect(lines).toEqual(['WARNING: cache name "two words" will confuse parsers']);
  });

  test("drops flags that nobody may ask for", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1, parameters: UNMERGED });
    const s = kernel.kmemCacheCreate("fresh", 200, { flags: 0x0200_0000 | SLAB_HWCACHE_ALIGN });
    expect(word(kernel, s, KmemCacheBase.flags) & 0x0200_0000).toBe(0);
    expect(word(kernel, s, KmemCacheBase.flags) & SLAB_HWCACHE_ALIGN).not.toBe(0);
  });

  test("holds CPUs, memory, the groups' numbers and the list of caches while it works, and lets all go", () => {
    let held: boolean[] = [];
    let kernel: Kernel | undefined;
    const locks = (): boolean[] => {
      if (kernel === undefined) return [];
      const { common, memory } = systemOf(kernel);
      const readers = (lock: number) => memory.read32(lock + HotplugLock.readers) > 0;
      return [
        readers(common.cpuHotplugLock),
        readers(common.memHotplugLock),
        readers(common.memcgCacheIdsLock),
        holderOf(memory.read32(common.slabMutex)) !== 0,
      ];
    };
    kernel = boot(
      { kernel: "4.1", cpus: 1, parameters: UNMERGED },
      {
        change: onSlub((classes) => ({
          CacheLifetime: class extends classes.CacheLifetime {
            override open(s: number, flags: number): number {
              held = locks();
              return super.open(s, flags);
            }
          },
        })),
      },
    );
    kernel.kmemCacheCreate("fresh", 200);
    expect(held).toEqual([true, true, true, true]);
    expect(locks()).toEqual([false, false, false, false]);
  });

  test("of SLAB says -E2BIG where no slab holds an object and its index array", () => {
    const kernel = boot({ kernel: "6.1", cpus: 1, allocator: "slab" });
    const lines = listen(kernel);
    const largest = 4 * 1024 * 1024;
    expect(kernel.kmemCacheCreate("huge", largest, { flags: SLAB_NOLEAKTRACE })).not.toBe(0);
    const ctor = kernel.registerConstructor(() => undefined);
    const flags = SLAB_NOLEAKTRACE;
    expect(kernel.kmemCacheCreate("constructed", largest, { flags, ctor })).toBe(0);
    expect(lines).toEqual([`kmem_cache_create(constructed) failed with error -${E2BIG}`]);
  });

  test("two caches cannot have one directory", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1, parameters: UNMERGED });
    const lines = listen(kernel);
    expect(kernel.kmemCacheCreate("twin", 200)).not.toBe(0);
    expect(kernel.kmemCacheCreate("twin", 400)).toBe(0);
    expect(lines).toEqual([`kmem_cache_create(twin) failed with error -${EEXIST}`]);
  });
});

describe("the window to user space", () => {
  const made = (useroffset: number, usersize: number) => {
    const kernel = boot({ kernel: "4.1", cpus: 1 });
    const lines = listen(kernel);
    const s = kernel.kmemCacheCreate("open", 200, { useroffset, usersize });
    const window = [KmemCacheBase.useroffset, KmemCacheBase.usersize];
    return { kernel, s, lines, window: window.map((field) => word(kernel, s, field)) };
  };

  test("is kept, and the cache never shared", () => {
    const { kernel, s, window } = made(8, 192);
    expect(window).toEqual([8, 192]);
    expect(kernel.kmemCacheCreate("closed", 200)).not.toBe(s);
    expect(directoryOf(kernel, s)).toBe("open");
  });

  test.each([
    [8, 0],
    [0, 201],
    [8, 193],
  ])("at %i of %i bytes does not fit: warned of and closed", (useroffset, usersize) => {
    const { lines, window } = made(useroffset, usersize);
    expect(lines[0]).toMatch(/^WARNING: kmem_cache_create_usercopy\(open\)/);
    expect(window).toEqual([0, 0]);
  });
});

describe("a kmalloc cache", () => {
  test("is shared by 4.1, and since its memory may be copied to user space by none", () => {
    for (const version of ["4.1", "6.1"] as const) {
      const kernel = boot({ cpus: 1, allocator: "slab", kernel: version });
      const s = kernel.kmemCacheCreate("fresh", 64);
      expect(systemOf(kernel).common.nameOf(s)).toBe(version === "4.1" ? "kmalloc-64" : "fresh");
    }
  });
});

describe("flags that nobody knows", () => {
  test("are refused by 6.1", () => {
    const kernel = boot({ cpus: 1, allocator: "slab", kernel: "6.1" });
    const lines = listen(kernel);
    expect(kernel.kmemCacheCreate("fresh", 64, { flags: 0x1 })).toBe(0);
    expect(lines).toEqual([`kmem_cache_create(fresh) failed with error -${EINVAL}`]);
  });
});

describe("an alias", () => {
  test("adds a user, a link, and what its objects need", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1 });
    const s = kernel.kmemCacheCreate("first", 193);
    expect(kernel.kmemCacheCreate("second", 200)).toBe(s);
    expect(kernel.kmemCacheCreate("third", 195)).toBe(s);
    expect(word(kernel, s, KmemCacheBase.refcount)).toBe(3);
    expect(word(kernel, s, KmemCacheBase.objectSize)).toBe(200);
    expect(word(kernel, s, KmemCache.inuse)).toBe(200);
    expect(systemOf(kernel).common.nameOf(s)).toBe("first");
    expect(directoryOf(kernel, s)).toBe(":t-0000200");
    expect(linksTo(kernel, s)).toEqual(["first", "second", "third"]);
    const aligned = kernel.kmemCacheCreate("aligned", 300, { flags: SLAB_HWCACHE_ALIGN });
    expect(word(kernel, aligned, KmemCache.inuse)).toBe(304);
    expect(kernel.kmemCacheCreate("fuller", 318)).toBe(aligned);
    expect(word(kernel, aligned, KmemCache.inuse)).toBe(320);
  });

  test("is destroyed by losing a user, the last one with the cache", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1 });
    const s = kernel.kmemCacheCreate("first", 200);
    kernel.kmemCacheCreate("second", 200);
    const object = kernel.kmemCacheAlloc(s);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
    expect(systemOf(kernel).common.caches()).toContain(s);
    expect(kernel.kmemCacheDestroy(s)).toBe(-EBUSY);
    kernel.kmemCacheFree(s, object);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
    expect(systemOf(kernel).common.caches()).not.toContain(s);
    expect(linksTo(kernel, s)).toEqual([]);
  });

  test("leaves no name and no byte behind, however many come and go", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1 });
    const target = kernel.kmemCacheCreate("target", 64);
    const names = linksTo(kernel, target).length;
    const used = systemOf(kernel).pages.freePagesTotal();
    for (let i = 0; i < 500; i++) {
      expect(kernel.kmemCacheCreate(`alias-${i}`, 64)).toBe(target);
      kernel.kmemCacheDestroy(target);
    }
    expect(linksTo(kernel, target)).toHaveLength(names);
    for (const s of systemOf(kernel).common.caches()) kernel.kmemCacheShrink(s);
    expect(systemOf(kernel).pages.freePagesTotal()).toBeGreaterThanOrEqual(used);
  });

  test("takes the link of an older one of its name", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1 });
    const s = kernel.kmemCacheCreate("name", 200);
    const other = kernel.kmemCacheCreate("name", 400);
    expect(other).not.toBe(s);
    expect(linksTo(kernel, s)).toEqual([]);
    expect(linksTo(kernel, other)).toEqual(["name"]);
  });

  test("from before sysfs is there waits for it; the last one comes first", () => {
    const names: string[][] = [];
    const made: number[] = [];
    class Early extends SlabCommon {
      protected override slabSysfsInit(): void {
        expect(this.state).toBe(SLAB_STATE.UP);
        made.push(this.kmemCacheCreate({ name: "early", size: 200 }));
        this.kmemCacheCreate({ name: "alias1", size: 200 });
        this.kmemCacheCreate({ name: "alias2", size: 200 });
        names.push(this.sysfsNames.names().map(({ name }) => name));
        super.slabSysfsInit();
        expect(this.state).toBe(SLAB_STATE.FULL);
      }
    }
    const change = onCommon(() => ({ SlabCommon: Early }));
    const kernel = boot({ kernel: "4.1", cpus: 1 }, { change });
    expect(names).toEqual([[]]);
    const [s = 0] = made;
    expect(word(kernel, s, KmemCacheBase.refcount)).toBe(3);
    expect(linksTo(kernel, s)).toEqual(["early", "alias2", "alias1"]);
  });
});

describe("the state of the allocator", () => {
  test("allows no cache to be created before kmalloc works, and never goes back", () => {
    const seen: number[] = [];
    let common: SlabCommon | undefined;
    class Watching extends SlabCommon {
      override createBootCache(s: number, name: string, size: number, flags: number): void {
        seen.push(this.state);
        common = this;
        if (this.state < SLAB_STATE.UP) {
          expect(() => this.kmemCacheCreate({ name: "too-early", size: 64 })).toThrow(
            "before kmalloc works",
          );
        }
        super.createBootCache(s, name, size, flags);
      }
    }
    const kernel = boot(
      { kernel: "4.1", cpus: 1 },
      { change: (c) => ({ ...c, SlabCommon: Watching }) },
    );
    expect(seen[0]).toBe(SLAB_STATE.DOWN);
    expect(seen[1]).toBe(SLAB_STATE.PARTIAL);
    expect(seen).toEqual([...seen].sort());
    expect(systemOf(kernel).common.state).toBe(SLAB_STATE.FULL);
    expect(() => {
      (common as SlabCommon).state = SLAB_STATE.UP;
    }).toThrow("slab_state 4 -> 3");
  });
});

describe("kmem_cache_destroy of a cache with objects", () => {
  test("is refused: they are listed, and the cache goes on", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1, parameters: UNMERGED });
    const lines = listen(kernel);
    const s = kernel.kmemCacheCreate("busy", 256);
    const objects = Array.from({ length: 20 }, () => kernel.kmemCacheAlloc(s));
    const kept = objects.filter((_, i) => i % 6 === 0);
    for (const object of objects) if (!kept.includes(object)) kernel.kmemCacheFree(s, object);
    expect(kernel.kmemCacheDestroy(s)).toBe(-EBUSY);
    const text = lines.join("\n");
    expect(text).toContain("Objects remaining in busy on kmem_cache_close()");
    for (const object of kept) expect(text).toContain(`Object ${pointerText("4.1", object)}`);
    expect(lines.at(-1)).toBe("kmem_cache_destroy busy: Slab cache still has objects");
    const more = kernel.kmemCacheAlloc(s);
    expect(more).not.toBe(0);
    for (const object of [...kept, more]) kernel.kmemCacheFree(s, object);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
    expect(directoryOf(kernel, s)).toBeUndefined();
  });
});

describe("NULL where a cache is meant", () => {
  test("may be destroyed; to shrink it is an error that leaves no lock behind", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1, parameters: UNMERGED });
    expect(kernel.kmemCacheDestroy(0)).toBe(0);
    expect(() => kernel.kmemCacheShrink(0)).toThrow("kmem_cache_shrink: the cache is NULL");
    expect(kernel.kmemCacheCreate("fresh", 200)).not.toBe(0);
  });
});

describe("kmem_cache_destroy of a cache of the boot", () => {
  test.each(["slub", "slab"] as const)("%s: is refused and leaves it as it is", (allocator) => {
    const kernel = boot({ kernel: "4.1", cpus: 1, allocator });
    const { kmemCache } = systemOf(kernel).common;
    expect(() => kernel.kmemCacheDestroy(kmemCache)).toThrow("kmem_cache is the kernel's own");
    expect(systemOf(kernel).common.caches()).toContain(kmemCache);
    expect(kernel.kmemCacheCreate("fresh", 200)).not.toBe(0);
  });
});
