/** The paths written for direct memory do what the allocator's own do, word for word. */
import { describe, expect, test } from "vitest";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { type Change, onSlab, onSlub } from "../../src/kernel/classes.ts";
import { boot, type Kernel, MIB, systemOf, threadOf } from "../../src/kernel/kernel.ts";
import { DirectMemory } from "../../src/machine/direct-memory.ts";
import { GFP_KERNEL } from "../../src/pages/gfp.ts";
import { KmemCache } from "../../src/slub/structs.ts";
import { Random } from "../../stress/random.ts";

/** Direct memory, but of another class: the allocator's own paths run. */
class WatchedMemory extends DirectMemory {}

const STEPS = 12_000;
const SIZES = [8, 40, 64, 192, 1000, 4096];

function hasDirectPaths(kernel: Kernel): boolean {
  return /\bwords\b|\btake/.test(`${systemOf(kernel).allocator.slabAllocNode}`);
}

/**
 * Allocates, writes and frees at random, on both CPUs; returns every address that came out. Now and
 * then one cache goes through so many objects that slabs come and go.
 */
function run(kernel: Kernel, random: Random, sheafCapacity: number): number[] {
  const { words } = threadOf(kernel);
  const caches = SIZES.map((size) =>
    kernel.kmemCacheCreate(`cache-${size}`, size, { sheafCapacity }),
  );
  for (const cache of systemOf(kernel).allocator.name === "slub" ? caches : []) {
    // Always, so that it is not the clock which decides whether another node is asked.
    words[(cache + KmemCache.remoteNodeDefragRatio) >> 2] = 1024;
  }
  const sizeOf = new Map(caches.map((cache, i) => [cache, SIZES[i] as number]));
  const held: { cache: number; object: number }[] = [];
  const seen: number[] = [];
  const freeOne = (): void => {
    const [given] = held.splice(random.below(held.length), 1);
    if (given !== undefined) kernel.kmemCacheFree(given.cache, given.object);
  };
  const allocOne = (cache: number, node: number): void => {
    const object = kernel.kmemCacheAllocNode(cache, GFP_KERNEL, node);
    seen.push(object);
    if (object === 0) return;
    words.fill(-1, object >> 2, (object + (sizeOf.get(cache) ?? 0)) >> 2);
    held.push({ cache, object });
  };
  const step = (): void => {
    const cache = caches[random.below(caches.length)] as number;
    const kind = random.below(8);
    if (kind === 0) {
      const objects: number[] = [];
      seen.push(kernel.kmemCacheAllocBulk(cache, 1 + random.below(40), objects), ...objects);
      kernel.kmemCacheFreeBulk(cache, objects.length, objects);
    } else if (kind === 1) {
      const object = kernel.kzalloc(1 + random.below(300));
      seen.push(object);
      kernel.kfree(object);
    } else if (kind < 5 || held.length === 0) {
      allocOne(cache, kind === 2 ? 0 : -1);
    } else {
      freeOne();
    }
    if (random.below(400) === 0) for (let i = 0; i < 600; i++) allocOne(cache, -1);
    if (held.length > 400) while (held.length > 100) freeOne();
  };
  for (let n = 0; n < STEPS; n += 100) {
    kernel.run(() => {
      for (let i = 0; i < 100; i++) {
        step();
        // So often that the reaper finds queues that were not filled or flushed since.
        systemOf(kernel).allocator.tick(500 * (n + i));
      }
    }, random.below(2));
  }
  return seen;
}

interface Subject extends BootOptions {
  /** Objects that the sheaf of a cache holds at least. */
  readonly sheafCapacity?: number;
}

const SUBJECTS: readonly Subject[] = [
  { allocator: "slub", kernel: "4.1" },
  { allocator: "slub", kernel: "6.1", nodes: 2 },
  { allocator: "slub", kernel: "6.19", nodes: 2 },
  { allocator: "slub", kernel: "6.19", nodes: 2, sheafCapacity: 10 },
  { allocator: "slub", kernel: "7.1" },
  { allocator: "slub", kernel: "7.1", nodes: 2 },
  { allocator: "slab", kernel: "4.1" },
  { allocator: "slab", kernel: "6.1", nodes: 2 },
];

const BASE = { cpus: 2, memory: 16 * MIB };

function nameOf({ allocator, kernel, nodes = 1, sheafCapacity }: Subject): string {
  const asked = sheafCapacity === undefined ? "" : `, caches ask for sheaves of ${sheafCapacity}`;
  return `${allocator} of ${kernel}, nodes: ${nodes}${asked}`;
}

describe.each(SUBJECTS.map((subject) => [nameOf(subject), subject] as const))(
  "%s",
  (_name, { sheafCapacity = 0, ...which }) => {
    const options: BootOptions = { ...BASE, ...which };

    test("the direct paths leave every word of memory as the allocator's own paths do", () => {
      const direct = boot(options);
      const watched = boot(options, { memoryClass: WatchedMemory });
      expect(hasDirectPaths(direct)).toBe(true);
      expect(hasDirectPaths(watched)).toBe(false);
      const seen = run(direct, new Random(7, 0), sheafCapacity);
      expect(seen).toEqual(run(watched, new Random(7, 0), sheafCapacity));
      const { words } = threadOf(watched);
      expect(threadOf(direct).words.findIndex((word, at) => word !== words[at])).toBe(-1);
    });
  },
);

describe("where a change stands in for what the paths do themselves", () => {
  const options: BootOptions = { kernel: "4.1", cpus: 1, memory: 16 * MIB };

  test("a hardened freelist has the allocator's own paths", () => {
    expect(hasDirectPaths(boot({ ...options, hardened: true }))).toBe(false);
  });

  test("an exchanged method is called", () => {
    let calls = 0;
    const change: Change = onSlub((classes) => ({
      Allocator: class extends classes.Allocator {
        protected override nodeMatch(page: number, node: number): boolean {
          calls++;
          return super.nodeMatch(page, node);
        }
      },
    }));
    const kernel = boot(options, { change });
    kernel.kmalloc(64);
    calls = 0;
    kernel.kmalloc(64);
    expect(calls).toBeGreaterThan(0);
  });

  test("an exchanged method of a cpu slab is called by a bulk call", () => {
    let calls = 0;
    const change: Change = onSlub((classes) => ({
      CpuSlab: class extends classes.CpuSlab {
        override pop(s: number, c: number): number {
          calls++;
          return super.pop(s, c);
        }
      },
    }));
    const kernel = boot(options, { change });
    kernel.kmemCacheAllocBulk(kernel.kmemCacheCreate("some", 64), 16, []);
    expect(calls).toBeGreaterThanOrEqual(16);
  });

  test("an exchanged method of SLAB's slabs is called where a batch goes home", () => {
    let calls = 0;
    const change: Change = onSlab((classes) => ({
      IndexArray: class extends classes.IndexArray {
        override put(s: number, page: number, object: number): void {
          calls++;
          super.put(s, page, object);
        }
      },
    }));
    const kernel = boot({ ...options, allocator: "slab" }, { change });
    const objects = Array.from({ length: 500 }, () => kernel.kmalloc(64));
    for (const object of objects) kernel.kfree(object);
    expect(calls).toBeGreaterThan(0);
  });

  test("a change around the allocator keeps the direct paths below it", () => {
    const change: Change = onSlub((classes) => ({
      Allocator: class extends classes.Allocator {
        override slabFree(s: number, page: number, object: number): void {
          super.slabFree(s, page, object);
        }
      },
    }));
    expect(hasDirectPaths(boot(options, { change }))).toBe(true);
  });
});
