/**
 * A task that dies at any access of an operation. It ends in one of two ways. Either the task died
 * with a lock: then each task that wants the lock is told so. Or the audit finds that all that is out of
 * place was in the hands of the dead task: then the others go on.
 */
import { describe, expect, test } from "vitest";
import type { Audit } from "../../src/caches/observer.ts";
import { audit } from "../../src/check/audit.ts";
import { surveyBlocks } from "../../src/check/blocks.ts";
import { Findings } from "../../src/check/findings.ts";
import { Ledger, ledgerBytes } from "../../src/check/ledger.ts";
import { Remains } from "../../src/check/remains.ts";
import { withUnderWay } from "../../src/check/under-way.ts";
import { withLedger } from "../../src/check/with-ledger.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { buryTask } from "../../src/kernel/burial.ts";
import type { SystemClasses } from "../../src/kernel/classes.ts";
import { attach, boot, type Kernel, MIB, systemOf, threadOf } from "../../src/kernel/kernel.ts";
import type { Address } from "../../src/machine/memory.ts";
import { HeldSheaves } from "../../src/slub/sheaves/observer/held-sheaves.ts";
import type { Sheaved } from "../../src/slub/sheaves/observer/sheaved.ts";
import { InterposedMemory } from "./interposed-memory.ts";

export const MEMORY = 3 * MIB;
export const OBJECT = 1024;
export const build = {
  memoryClass: InterposedMemory,
  change: (classes: SystemClasses) => withUnderWay(withLedger(classes)),
};

class Death extends Error {}

/**
 * Lets the task of `memory` die before an access of `operation`; false where it has no access with that
 * number. An error stands for death, but the dead do nothing on the way out: the words are as they were.
 */
export function diesAt(
  memory: InterposedMemory,
  access: number,
  operation: () => unknown,
): boolean {
  let words: Uint8Array | undefined;
  memory.plan(access, () => {
    words = memory.bytes.slice();
    throw new Death();
  });
  try {
    operation();
    return false;
  } catch (error) {
    if (!(error instanceof Death)) throw error;
  }
  memory.forget();
  if (words !== undefined) memory.bytes.set(words);
  return true;
}

/** What the victim is in the middle of when it dies. */
type Operation = () => void;

interface Scene {
  readonly name: string;
  /** Where not each access is tried, every so-manieth: it has many, or most of them under slab_mutex. */
  readonly every?: number;
  /** What was before; returns what the victim does. */
  readonly prepare: (victim: Kernel, s: Address) => Operation;
}

export const many = (kernel: Kernel, s: Address, count: number): Address[] =>
  Array.from({ length: count }, () => kernel.kmemCacheAlloc(s));

/** The whole life of a cache: what a program does that makes one for a while. */
const A_LIFE: Scene = {
  name: "makes, uses and destroys a cache",
  every: 61,
  prepare: (victim) => () => {
    const s = victim.kmemCacheCreate("another", 64);
    victim.kmemCacheFree(s, victim.kmemCacheAlloc(s));
    victim.kmemCacheDestroy(s);
  },
};

const EVERYWHERE: readonly Scene[] = [
  A_LIFE,
  {
    name: "takes an object that lies ready",
    prepare: (victim, s) => {
      victim.kmemCacheFree(s, many(victim, s, 2)[0] as Address);
      return () => victim.kmemCacheAlloc(s);
    },
  },
  { name: "takes the first object of a new slab", prepare: (v, s) => () => v.kmemCacheAlloc(s) },
  {
    name: "gives an object back to its own CPU",
    prepare: (victim, s) => {
      const [object] = many(victim, s, 2);
      return () => victim.kmemCacheFree(s, object as Address);
    },
  },
  {
    name: "gives an object back to a slab that was full",
    prepare: (victim, s) => {
      const [object] = many(victim, s, 9);
      return () => victim.kmemCacheFree(s, object as Address);
    },
  },
  {
    name: "takes objects of several slabs at once",
    every: 5,
    prepare: (victim, s) => () => victim.kmemCacheAllocBulk(s, 10, []),
  },
  {
    name: "gives objects of several slabs back at once",
    every: 5,
    prepare: (victim, s) => {
      const objects = many(victim, s, 13);
      return () => victim.kmemCacheFreeBulk(0, 12, objects.slice(0, 12));
    },
  },
  {
    name: "shrinks a cache with empty slabs",
    every: 7,
    prepare: (victim, s) => {
      for (const object of many(victim, s, 13)) victim.kmemCacheFree(s, object);
      return () => victim.kmemCacheShrink(s);
    },
  },
  {
    name: "makes a cache",
    every: 23,
    prepare: (victim) => () => victim.kmemCacheCreate("another", 264),
  },
  {
    name: "destroys a cache",
    every: 17,
    prepare: (victim) => {
      const s = victim.kmemCacheCreate("another", 264);
      for (const object of many(victim, s, 20)) victim.kmemCacheFree(s, object);
      return () => victim.kmemCacheDestroy(s);
    },
  },
];

/** Twelve slabs with one object in use each, all on the node's list: more than it wants empty. */
function almostEmptySlabs(kernel: Kernel, s: Address): Address[] {
  const objects = many(kernel, s, 4 * 12);
  for (const [i, object] of objects.entries()) if (i % 4 !== 0) kernel.kmemCacheFree(s, object);
  kernel.kmemCacheShrink(s);
  return objects.filter((_, i) => i % 4 === 0);
}

/** The slabs are large, as those of 512 bytes and more are: a block that looks like a large kmalloc. */
const LARGE_SLABS: readonly Scene[] = [
  {
    name: "takes the first object of a new large slab",
    every: 3,
    prepare: (victim) => () => victim.kmalloc(2000),
  },
  {
    name: "gives large slabs up",
    every: 5,
    prepare: (victim) => {
      const s = victim.kmemCacheCreate("large", 2000);
      for (const object of many(victim, s, 40)) victim.kmemCacheFree(s, object);
      return () => victim.kmemCacheShrink(s);
    },
  },
];

const GIVES_SLABS_UP: readonly Scene[] = [
  {
    name: "gives the last object of a slab back that nobody wants",
    prepare: (victim, s) => {
      const [object] = almostEmptySlabs(victim, s);
      return () => victim.kmemCacheFree(s, object as Address);
    },
  },
  {
    name: "gives the last objects of several such slabs back at once",
    every: 5,
    prepare: (victim, s) => {
      const objects = almostEmptySlabs(victim, s).slice(0, 3);
      return () => victim.kmemCacheFreeBulk(s, objects.length, [...objects]);
    },
  },
];

const SLUB: readonly Scene[] = [
  ...EVERYWHERE,
  ...GIVES_SLABS_UP,
  { name: "takes whole pages", prepare: (victim) => () => victim.kmalloc(20_000) },
  {
    name: "gives whole pages back",
    prepare: (victim) => {
      const large = victim.kmalloc(20_000);
      return () => victim.kfree(large);
    },
  },
];

/** Objects that a caller of 7.1 puts by, and those that go to RCU in a sheaf. */
const SHEAVES: readonly Scene[] = [
  {
    name: "fills a sheaf for itself",
    every: 11,
    prepare: (victim, s) => () => victim.kmemCachePrefillSheaf(s, 6),
  },
  {
    name: "fills a sheaf for itself that is larger than the cache's",
    every: 41,
    prepare: (victim, s) => () => victim.kmemCachePrefillSheaf(s, 100),
  },
  {
    name: "takes an object out of a sheaf of its own",
    prepare: (victim, s) => {
      const sheaf = victim.kmemCachePrefillSheaf(s, 6);
      return () => victim.allocFromSheaf(s, sheaf);
    },
  },
  {
    name: "fills a sheaf of its own again",
    every: 7,
    prepare: (victim, s) => {
      const sheaf = victim.kmemCachePrefillSheaf(s, 6);
      while (victim.allocFromSheaf(s, sheaf) !== 0);
      return () => victim.refillSheaf(s, sheaf, 6);
    },
  },
  {
    name: "gives a sheaf of its own back",
    prepare: (victim, s) => {
      const sheaf = victim.kmemCachePrefillSheaf(s, 6);
      victim.allocFromSheaf(s, sheaf);
      return () => victim.returnSheaf(s, sheaf);
    },
  },
  {
    name: "gives a sheaf back that is larger than the cache's",
    every: 5,
    prepare: (victim, s) => {
      const sheaf = victim.kmemCachePrefillSheaf(s, 100);
      return () => victim.returnSheaf(s, sheaf);
    },
  },
  {
    name: "gives an object to RCU",
    prepare: (victim, s) => {
      const [object] = many(victim, s, 3);
      return () => victim.kfreeRcu(object as Address);
    },
  },
];

/** What became of one death. */
interface Ending {
  readonly locked: boolean;
  readonly remains: readonly string[];
  /** What an audit says that knows of no death. */
  readonly otherwise: readonly string[];
}

/** Lets a task die at every access of its operation, or at every `stride`-th that its scene names. */
function deaths(scene: Scene, options: BootOptions, stride: number): Ending[] {
  const survivor = boot(
    {
      kernel: "4.1",
      cpus: 2,
      memory: MEMORY,
      checker: ledgerBytes(MEMORY),
      parameters: { slub_max_order: 0, slab_nomerge: true },
      ...options,
    },
    build,
  );
  const victim = attach(survivor.shared, build);
  const memory = threadOf(victim) as InterposedMemory;
  const s = survivor.kmemCacheCreate("four", OBJECT);
  memory.enterCpu(1);
  const operation = scene.prepare(victim, s);
  const restore = memory.snapshot();
  const endings: Ending[] = [];
  const step = stride === 1 ? 1 : stride * (scene.every ?? 1);
  for (let access = 1; ; access += step) {
    restore();
    if (!diesAt(memory, access, operation)) return endings;
    endings.push(endingOf(survivor, memory.current(), s));
  }
}

function endingOf(survivor: Kernel, task: number, s: Address): Ending {
  const system = systemOf(survivor);
  const ledger = new Ledger(system.common);
  if (buryTask(system, threadOf(survivor), task).length > 0) {
    return { locked: true, remains: [], otherwise: [] };
  }
  const otherwise = audit(system, { ledger }).map(({ message }) => message);
  const remains = new Remains(system, ledger, [task]);
  const findings = audit(system, { ledger, remains }).map(({ message }) => message);
  expect(findings).toEqual([]);
  goOn(survivor, ledger, task, s);
  return { locked: false, remains: remains.list.map(({ message }) => message), otherwise };
}

/** The survivor works on both CPUs, gives all back, and what is left then is held by the dead. */
function goOn(survivor: Kernel, ledger: Ledger, task: number, s: Address): void {
  for (const cpu of [0, 1]) {
    survivor.run(() => {
      const objects = many(survivor, s, 30);
      for (const object of objects) survivor.kmemCacheFree(s, object);
      survivor.kfree(survivor.kmalloc(300));
      survivor.kfree(survivor.kmalloc(20_000));
    }, cpu);
  }
  survivor.run(() => systemOf(survivor).machine.rcu.barrier());
  survivor.kmemCacheShrink(s);
  const remains = new Remains(systemOf(survivor), ledger, [task]);
  expect(audit(systemOf(survivor), { ledger, remains })).toEqual([]);
  const { pages, observer } = systemOf(survivor);
  const slabs = surveyBlocks(systemOf(survivor), new Findings(remains));
  const inSheaf = inSheavesOfTheDead(survivor, s, { slabs, holders: ledger });
  for (const page of slabs.get(s) ?? []) {
    const from = pages.pageAddress(page);
    const to = from + (4096 << pages.compoundOrder(page));
    const isHeld =
      remains.touches(from, to) ||
      !ledger.liveIn(from, to).next().done ||
      observer.objectsOfSlab(s, page).some(inSheaf);
    expect(isHeld, `slab at ${from}`).toBe(true);
  }
}

/** Whether an object lies in a sheaf that was the dead task's when it died. */
function inSheavesOfTheDead(
  survivor: Kernel,
  s: Address,
  audit: Pick<Audit, "slabs" | "holders">,
): (object: Address) => boolean {
  const { allocator } = systemOf(survivor);
  if (allocator.sheafCalls === undefined) return () => false;
  const held = new HeldSheaves(allocator as unknown as Sheaved, s, audit);
  return (object) => held.have(object);
}

const KINDS: readonly { name: string; options: BootOptions; scenes: readonly Scene[] }[] = [
  { name: "SLUB", options: { kernel: "4.1" }, scenes: SLUB },
  {
    name: "SLUB with slabs of several pages",
    options: { kernel: "4.1", parameters: { slab_nomerge: true } },
    scenes: [...EVERYWHERE.slice(2, 3), ...LARGE_SLABS, ...GIVES_SLABS_UP],
  },
  {
    name: "SLUB that debugs",
    options: {
      kernel: "4.1",
      parameters: { slub_debug: "FZPU" },
    },
    scenes: [...EVERYWHERE.slice(2, 5), ...GIVES_SLABS_UP.slice(0, 1)].map((scene) => ({
      ...scene,
      every: 5,
    })),
  },
  {
    name: "SLUB with sheaves",
    options: { kernel: "7.1", parameters: { slub_max_order: 0, slab_nomerge: true } },
    scenes: [...SLUB, ...SHEAVES],
  },
  {
    name: "SLUB with sheaves and slabs of several pages",
    options: { kernel: "7.1", parameters: { slab_nomerge: true } },
    scenes: [...LARGE_SLABS, ...GIVES_SLABS_UP],
  },
  { name: "SLAB", options: { allocator: "slab" }, scenes: EVERYWHERE },
  {
    name: "SLAB of 6.1",
    options: { allocator: "slab", kernel: "6.1" },
    scenes: EVERYWHERE.slice(2, 6),
  },
];

/**
 * The tests: a task dies at each access, or only at every `stride`-th of those that the scenes name.
 * Returns what the dead had in their hands, without the numbers.
 */
export function testDeaths(stride: number): ReadonlySet<string> {
  const seen = new Set<string>();
  describe.each(KINDS)("$name", ({ options, scenes }) => {
    test.each(scenes)("a task dies wherever it $name", (scene) => {
      const endings = deaths(scene, options, stride);
      expect(endings.length).toBeGreaterThan(3);
      for (const { remains, otherwise } of endings) {
        for (const message of remains) seen.add(message.replace(/0x[0-9a-f]+|\d+/g, "N"));
        // Nothing is put down to the dead that the audit would not have found.
        if (otherwise.length === 0) expect(remains).toEqual([]);
      }
    });
  });
  return seen;
}
