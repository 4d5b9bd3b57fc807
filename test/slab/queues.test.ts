/** Tuning, reaping and hotplug: how objects come home from SLAB's queues. */

import { describe, expect, test } from "vitest";
import { ENOMEM } from "../../src/caches/errno.ts";
import { faultsOf } from "../../src/caches/fault-injection.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { onCommon } from "../../src/kernel/classes.ts";
import { MIB, systemOf } from "../../src/kernel/kernel.ts";
import type { Address } from "../../src/machine/memory.ts";
import { spinIsHeld } from "../../src/machine/spinlock.ts";
import { __GFP_THISNODE, GFP_KERNEL } from "../../src/pages/gfp.ts";
import { HZ } from "../../src/slab/clock.ts";
import type { Slab } from "../../src/slab/slab.ts";
import { SLAB_STAT_NAMES, type SlabStatName } from "../../src/slab/statistics.ts";
import {
  AlienCache,
  ArrayCache,
  type ArrayCachePtr,
  alienCacheBytes,
  entryAt,
  KmemCache,
  KmemCacheNode,
  type KmemCachePtr,
} from "../../src/slab/structs.ts";
import { type Change, type Watched, watched } from "../check/systems.ts";

const parameters = { slab_nomerge: true };

function system(
  options: BootOptions = {},
  change?: Change,
): Watched & { slab: Slab; s: KmemCachePtr } {
  const made = watched(
    { allocator: "slab", kernel: "6.1", cpus: 4, nodes: 2, parameters, ...options },
    change,
  );
  const s = made.kernel.kmemCacheCreate("tested", 256);
  return { ...made, slab: systemOf(made.kernel).allocator as Slab, s };
}

type System = ReturnType<typeof system>;

test("an alien cache has room for its objects, also for one alone", () => {
  for (const entries of [1, 12]) {
    const last = entryAt(AlienCache.ac as ArrayCachePtr, entries - 1);
    expect(last + 4).toBeLessThanOrEqual(alienCacheBytes(entries));
  }
});

function take({ kernel, s }: System, cpu: number, count: number): Address[] {
  return kernel.run(() => Array.from({ length: count }, () => kernel.kmemCacheAlloc(s)), cpu);
}

function give({ kernel }: System, cpu: number, objects: readonly Address[]): void {
  kernel.run(() => {
    for (const object of objects) kernel.kfree(object);
  }, cpu);
}

function stat({ kernel, s }: System, name: SlabStatName): number {
  let sum = 0;
  for (let cpu = 0; cpu < systemOf(kernel).machine.options.cpus; cpu++) {
    sum += systemOf(kernel).memory.read32(
      systemOf(kernel).observer.statWords(s, cpu) + 4 * SLAB_STAT_NAMES.indexOf(name),
    );
  }
  return sum;
}

function availOf({ kernel, s }: System, cpu: number): number {
  const { memory } = systemOf(kernel);
  const ac = memory.perCpuPtr(memory.read32(s + KmemCache.cpuSlab), cpu);
  return memory.read32(ac + ArrayCache.avail);
}

function nodeWord({ kernel, slab, s }: System, nid: number, field: number): number {
  return systemOf(kernel).memory.read32(slab.context.nodeOf(s, nid) + field);
}

/** Every CPU is told the time, a second at a time. */
function pass({ kernel }: System, from: number, seconds: number): void {
  for (let second = from; second < from + seconds; second++) {
    for (let cpu = 0; cpu < systemOf(kernel).machine.options.cpus; cpu++) {
      kernel.run(() => systemOf(kernel).allocator.tick(second * HZ), cpu);
    }
  }
}

describe.each(["4.1", "6.1"] as const)("tuning SLAB of %s", (version) => {
  test("changes limits while objects are in queues, and loses none", () => {
    const it = system({ kernel: version });
    for (const cpu of [0, 1, 2, 3]) give(it, (cpu + 1) % 4, take(it, cpu, 200));
    const before = stat(it, "allochit");
    expect(it.kernel.run(() => it.slab.tuning.tune(it.s, 30, 10, 2), 1)).toBe(0);
    expect(stat(it, "allochit")).toBe(before);
    expect(it.findings()).toEqual([]);
    const held = take(it, 0, 100);
    expect(availOf(it, 0)).toBeLessThanOrEqual(30);
    give(it, 3, held);
    expect(it.findings()).toEqual([]);
    expect(nodeWord(it, 0, KmemCacheNode.freeLimit)).toBe((1 + 2) * 10 + 16);
  });

  test.each([
    [0, 1, 0],
    [10, 0, 0],
    [10, 11, 0],
    [10, 5, -1],
  ])("to limit %i, batchcount %i, shared %i changes nothing", (limit, batch, shared) => {
    const it = system({ kernel: version });
    expect(it.kernel.run(() => it.slab.tuning.tune(it.s, limit, batch, shared))).toBe(0);
    expect(systemOf(it.kernel).memory.read32(it.s + KmemCache.limit)).toBe(120);
  });

  test("takes shared arrays away and brings them back", () => {
    const it = system({ kernel: version });
    give(it, 0, take(it, 0, 300));
    it.kernel.run(() => it.slab.tuning.tune(it.s, 120, 60, 0), 0);
    expect(nodeWord(it, 0, KmemCacheNode.shared)).toBe(0);
    give(it, 0, take(it, 0, 300));
    it.kernel.run(() => it.slab.tuning.tune(it.s, 120, 60, 8), 0);
    expect(nodeWord(it, 0, KmemCacheNode.shared)).not.toBe(0);
    expect(it.findings()).toEqual([]);
  });
});

/**
 * Runs `act` once, when pages are asked for next; a caller that may sleep has interrupts on then. What
 * it returns, if anything, is the answer.
 */
type Act = (gfp: number) => number | undefined;

function whilePagesAreAskedFor(): { change: Change; act: Act | undefined } {
  const once = {
    act: undefined as Act | undefined,
    change: onCommon((classes) => ({
      Pages: class extends classes.Pages {
        override allocPages(gfp: number, order: number, nid: number): number {
          const { act } = once;
          once.act = undefined;
          return act?.(gfp) ?? super.allocPages(gfp, order, nid);
        }
      },
    })) satisfies Change,
  };
  return once;
}

test.each(["4.1", "6.1"] as const)(
  "SLAB of %s: an array that became shorter while a slab was made is not overfilled",
  (version) => {
    const once = whilePagesAreAskedFor();
    const it = system({ kernel: version, cpus: 1, nodes: 1 }, once.change);
    once.act = () => {
      it.slab.tuning.tune(it.s, 1, 1, 0);
      return undefined;
    };
    take(it, 0, 1);
    expect(once.act).toBeUndefined();
    expect(systemOf(it.kernel).memory.read32(it.s + KmemCache.limit)).toBe(1);
    expect(availOf(it, 0)).toBeLessThanOrEqual(1);
    expect(it.findings()).toEqual([]);
  },
);

test.each(["4.1", "6.1"] as const)(
  "SLAB of %s: a task that came to another node's CPU while a slab was made fills no array there with it",
  (version) => {
    const once = whilePagesAreAskedFor();
    const it = system({ kernel: version }, once.change);
    const moves: boolean[] = [];
    // The two requests for one node's pages do not sleep; the third, for pages of any node, does.
    const act: Act = (gfp) => {
      moves.push(it.memory.migrate(2));
      if ((gfp & __GFP_THISNODE) === 0) return undefined;
      once.act = act;
      return 0;
    };
    once.act = act;
    const [object = 0] = take(it, 0, 1);
    expect(object).not.toBe(0);
    expect(moves).toEqual([false, false, true]);
    expect(it.findings()).toEqual([]);
  },
);

test.each([
  ["4.1", 1, true],
  ["4.1", 2, false],
  ["6.1", 1, true],
  ["6.1", 2, false],
] as const)("SLAB of %s with %i nodes: a refill may sleep for pages: %s", (version, nodes, may) => {
  const once = whilePagesAreAskedFor();
  const it = system({ kernel: version, nodes }, once.change);
  const hadInterrupts: boolean[] = [];
  once.act = () => {
    hadInterrupts.push(!systemOf(it.kernel).memory.irqsDisabled());
    return undefined;
  };
  take(it, 0, 1);
  expect(hadInterrupts).toEqual([may]);
});

describe.each(["4.1", "6.1"] as const)("events of SLAB of %s", (version) => {
  test("are counted with interrupts off, or under slab_mutex, which keeps the CPU's block there", () => {
    const it = system({ kernel: version, config: ["DEBUG_SLAB"] });
    const { context } = it.slab;
    const { memory } = systemOf(it.kernel);
    const seen = new Set<string>();
    const stat = context.stat.bind(context);
    context.stat = (s, item, n) => {
      const isSafe =
        memory.irqsDisabled() || memory.read32(systemOf(it.kernel).common.slabMutex) !== 0;
      seen.add(`${SLAB_STAT_NAMES[item]}${isSafe ? "" : " unsafe"}`);
      stat(s, item, n);
    };
    const held = take(it, 0, 200);
    for (const object of held) memory.write8(object - 1, 0);
    give(it, 2, held);
    memory.write8(held[0] as Address, 0);
    take(it, 0, 200);
    pass(it, 0, 40);
    expect([...seen].filter((name) => name.endsWith("unsafe"))).toEqual([]);
    for (const name of ["coloured", "grown", "error", "reap_pass"]) expect(seen).toContain(name);
  });

  test("are none where a slab found no pages", () => {
    let refusing = false;
    const it = system(
      { kernel: version, cpus: 1, nodes: 1 },
      onCommon((classes) => ({
        Pages: class extends classes.Pages {
          override allocPages(gfp: number, order: number, nid: number): number {
            return refusing ? 0 : super.allocPages(gfp, order, nid);
          }
        },
      })),
    );
    systemOf(it.kernel).machine.console.sink = () => {};
    const coloured = { ...it, s: it.kernel.kmemCacheCreate("coloured", 700) };
    refusing = true;
    expect(take(coloured, 0, 5)).toEqual([0, 0, 0, 0, 0]);
    expect([stat(coloured, "coloured"), stat(coloured, "grown")]).toEqual([0, 0]);
  });
});

describe.each(["4.1", "6.1"] as const)("the reaper of SLAB of %s", (version) => {
  test("lets everything that nobody uses go, a little at a time", () => {
    const it = system({ kernel: version });
    const pages = systemOf(it.kernel).pages.freePagesTotal();
    for (const cpu of [0, 1, 2, 3]) give(it, cpu, take(it, cpu, 400));
    for (const [from, to] of [
      [0, 2],
      [3, 1],
    ] as const) {
      give(it, to, take(it, from, 40));
    }
    expect(systemOf(it.kernel).pages.freePagesTotal()).toBeLessThan(pages);
    pass(it, 0, 10);
    const shared = nodeWord(it, 0, KmemCacheNode.shared);
    const left = systemOf(it.kernel).memory.read32(shared + ArrayCache.avail) + availOf(it, 0);
    expect(left).toBeGreaterThan(0);
    pass(it, 10, 400);
    for (const cpu of [0, 1, 2, 3]) expect(availOf(it, cpu)).toBe(0);
    expect(nodeWord(it, 0, KmemCacheNode.totalSlabs)).toBe(0);
    expect(nodeWord(it, 1, KmemCacheNode.totalSlabs)).toBe(0);
    expect(stat(it, "reaped")).toBeGreaterThan(0);
    expect(stat(it, "alien_drain")).toBeGreaterThan(0);
    expect(it.findings()).toEqual([]);
  });

  test("spares what was used since it last looked", () => {
    const it = system({ kernel: version });
    give(it, 0, take(it, 0, 60));
    const held = availOf(it, 0);
    for (let second = 0; second < 20; second++) {
      pass(it, second, 1);
      give(it, 0, take(it, 0, 1));
    }
    expect(availOf(it, 0)).toBe(held);
  });

  test("does nothing while time stands still", () => {
    const it = system({ kernel: version });
    give(it, 0, take(it, 0, 60));
    const passes = stat(it, "reap_pass");
    for (let i = 0; i < 50; i++) it.kernel.run(() => systemOf(it.kernel).allocator.tick(0), 0);
    expect(stat(it, "reap_pass")).toBe(passes);
  });
});

describe("hotplug of SLAB of 6.1", () => {
  test("a CPU that dies leaves nothing behind, and its node's queues go with the last one", () => {
    const it = system();
    for (const cpu of [2, 3]) give(it, cpu, take(it, cpu, 50));
    give(it, 2, take(it, 0, 5));
    it.kernel.run(() => {
      it.slab.hotplug.offlineCpu(2);
      it.slab.hotplug.deadCpu(2, { lastOfNode: false });
    }, 0);
    expect(availOf(it, 2)).toBe(0);
    expect(nodeWord(it, 1, KmemCacheNode.shared)).not.toBe(0);
    it.kernel.run(() => it.slab.hotplug.deadCpu(3, { lastOfNode: true }), 0);
    expect(nodeWord(it, 1, KmemCacheNode.shared)).toBe(0);
    expect(nodeWord(it, 1, KmemCacheNode.alien)).toBe(0);
    expect(nodeWord(it, 1, KmemCacheNode.totalSlabs)).toBe(0);
    expect(it.findings()).toEqual([]);
    // The node's objects are freed by others meanwhile; there is no shared array to take them.
    const placed = it.kernel.run(
      () => Array.from({ length: 40 }, () => it.kernel.kmemCacheAllocNode(it.s, GFP_KERNEL, 1)),
      0,
    );
    give(it, 0, placed);
    expect(it.findings()).toEqual([]);
  });

  test("a CPU that comes back gets what its node lacks", () => {
    const it = system();
    it.kernel.run(() => {
      it.slab.hotplug.deadCpu(2, { lastOfNode: false });
      it.slab.hotplug.deadCpu(3, { lastOfNode: true });
      expect(it.slab.hotplug.prepareCpu(3)).toBe(0);
      it.slab.hotplug.onlineCpu(3);
    }, 0);
    const alien = nodeWord(it, 1, KmemCacheNode.alien);
    expect(nodeWord(it, 1, KmemCacheNode.shared)).not.toBe(0);
    expect(systemOf(it.kernel).memory.read32(alien)).not.toBe(0);
    expect(nodeWord(it, 1, KmemCacheNode.freeLimit)).toBe(3 * 60 + 16);
    give(it, 0, take(it, 3, 100));
    expect(it.findings()).toEqual([]);
  });

  test("a node with objects does not go offline, one without does", () => {
    const it = system();
    const { lists } = it.slab;
    const look = lists.hasObjectsOut.bind(lists);
    lists.hasObjectsOut = (n) => {
      expect(spinIsHeld(systemOf(it.kernel).memory, n + KmemCacheNode.listLock)).toBe(true);
      return look(n);
    };
    const held = take(it, 2, 3);
    expect(it.kernel.run(() => it.slab.hotplug.nodeGoingOffline(1), 0)).toBeLessThan(0);
    give(it, 2, held);
    expect(it.kernel.run(() => it.slab.hotplug.nodeGoingOnline(1), 0)).toBe(0);
    expect(it.findings()).toEqual([]);
  });
});

test.each(["4.1", "6.1"] as const)(
  "SLAB of %s: a CPU that finds no memory half-way is not there, and leaves nothing",
  (version) => {
    const options = { cpus: 4, nodes: 2, memory: 6 * MIB, failSlab: { times: 0 } } as const;
    const it = watched({ allocator: "slab", kernel: version, ...options });
    const { kernel } = it;
    const settled = (): number => {
      kernel.run(() => {
        for (const s of systemOf(kernel).common.caches()) kernel.kmemCacheShrink(s);
        systemOf(kernel).pages.drainAllPages();
      }, 0);
      return systemOf(kernel).pages.freePagesTotal();
    };
    for (const cpu of [2, 3]) expect(kernel.cpuDown(cpu)).toBe(0);
    const pages = settled();
    const freeLimits = (): number[] =>
      systemOf(kernel)
        .common.caches()
        .map((s) =>
          nodeWord(
            { ...it, slab: systemOf(kernel).allocator as Slab, s },
            1,
            KmemCacheNode.freeLimit,
          ),
        );
    const faults = faultsOf(systemOf(kernel).allocator);
    let refused = 0;
    for (let nth = 1; ; nth++) {
      faults?.arm({ interval: nth, times: 1 });
      const error = kernel.cpuUp(2);
      faults?.disarm();
      if (faults?.injected === 0) break;
      // Where an index array found no memory, another node has helped out.
      if (error === 0) kernel.cpuDown(2);
      else refused++;
      expect([0, -ENOMEM]).toContain(error);
      expect([it.findings(), settled()], `allocation ${nth}`).toEqual([[], pages]);
      // A CPU that was never counted is not counted off.
      expect(Math.min(...freeLimits()), `allocation ${nth}`).toBeGreaterThanOrEqual(0);
    }
    // A table of alien caches and the cache in it; a shared array where objects are small.
    expect(refused).toBeGreaterThan(2 * systemOf(kernel).common.caches().length);
    const s = kernel.kmemCacheCreate("after", 256);
    kernel.run(() => kernel.kmemCacheFree(s, kernel.kmemCacheAlloc(s)), 2);
    expect(it.findings()).toEqual([]);
  },
);

test("noaliencache: objects go home at once", () => {
  const it = system({ parameters: { ...parameters, noaliencache: true } });
  give(it, 2, take(it, 0, 100));
  expect(nodeWord(it, 1, KmemCacheNode.alien)).toBe(0);
  expect(stat(it, "remotefrees")).toBe(100);
  expect(stat(it, "alienoverflow")).toBe(0);
  expect(it.findings()).toEqual([]);
});

test("the audit sees an object that is lost, queued twice, or miscounted", () => {
  const broken = (change: (it: System) => void): string[] => {
    const it = system();
    give(it, 2, take(it, 0, 20));
    change(it);
    return it.failures();
  };
  const array = ({ kernel, s }: System): Address =>
    systemOf(kernel).memory.perCpuPtr(systemOf(kernel).memory.read32(s + KmemCache.cpuSlab), 0);
  const add = ({ kernel }: System, at: Address, n: number): void =>
    systemOf(kernel).memory.write32(at, systemOf(kernel).memory.read32(at) + n);
  expect(broken((it) => add(it, array(it) + ArrayCache.avail, -1))).toContain("lost-object");
  expect(
    broken((it) => {
      const first = systemOf(it.kernel).memory.read32(array(it) + 16);
      systemOf(it.kernel).memory.write32(array(it) + 20, first);
    }),
  ).toContain("double-free");
  expect(
    broken((it) => add(it, it.slab.context.nodeOf(it.s, 0) + KmemCacheNode.freeObjects, 1)),
  ).toContain("counter-drift");
  expect(
    broken((it) => {
      const table = nodeWord(it, 1, KmemCacheNode.alien);
      systemOf(it.kernel).memory.write32(it.slab.aliens.at(table, 0) + AlienCache.lock, 5);
    }),
  ).toContain("deadlock");
});
