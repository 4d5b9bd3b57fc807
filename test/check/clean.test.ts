import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SLAB_TYPESAFE_BY_RCU } from "../../src/caches/flags.ts";
import type { KmemCachePtr } from "../../src/caches/kmem-cache.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { systemOf } from "../../src/kernel/kernel.ts";
import type { Mutation } from "../../src/laboratory/mutation.ts";
import type { Address } from "../../src/machine/memory.ts";
import { mutations } from "../../src/museum/mutations.ts";
import { GFP_ATOMIC, GFP_KERNEL } from "../../src/pages/gfp.ts";
import { type Change, type Watched, watched } from "./systems.ts";

test("a freshly booted system is clean", () => {
  expect(watched({ cpus: 4, nodes: 2 }).findings()).toEqual([]);
});

/** What is done, to which cache or object, on which CPU, how often. */
interface Step {
  readonly what: "alloc" | "free" | "bulk" | "freeBulk" | "node" | "shrink";
  readonly pick: number;
  readonly cpu: number;
  readonly times: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom("alloc", "free", "bulk", "freeBulk", "node", "shrink"),
  pick: fc.nat(1000),
  cpu: fc.nat(1),
  times: fc.integer({ min: 1, max: 40 }),
});

class Traffic {
  readonly held: { s: KmemCachePtr; object: Address }[] = [];
  private readonly caches: KmemCachePtr[];
  private readonly system: Watched;
  private readonly fromInterrupts: Address[] = [];

  constructor(system: Watched) {
    this.system = system;
    const { kernel } = system;
    this.caches = [
      kernel.kmemCacheCreate("small", 40),
      kernel.kmemCacheCreate("large", 1500),
      kernel.kmemCacheCreate("typesafe", 200, { flags: SLAB_TYPESAFE_BY_RCU }),
    ];
    system.memory.onInterrupt = () => this.interrupt();
  }

  /** A device's interrupt: gives one object back or takes one, in a cache that tasks use as well. */
  private interrupt(): void {
    const { kernel } = this.system;
    const s = this.caches[0] as KmemCachePtr;
    const old = this.fromInterrupts.pop();
    if (old !== undefined)
      systemOf(kernel).allocator.slabFree(s, systemOf(kernel).pages.virtToHeadPage(old), old);
    for (let i = 0; i < 2; i++) {
      const object = systemOf(kernel).allocator.slabAllocNode(s, GFP_ATOMIC, -1);
      if (object !== 0 && this.fromInterrupts.length < 50) this.fromInterrupts.push(object);
      else if (object !== 0) {
        systemOf(kernel).allocator.slabFree(
          s,
          systemOf(kernel).pages.virtToHeadPage(object),
          object,
        );
      }
    }
  }

  run(steps: readonly Step[]): void {
    for (const { what, pick, cpu, times } of steps) {
      const s = this.caches[pick % this.caches.length] as KmemCachePtr;
      this.system.kernel.run(() => {
        for (let i = 0; i < times; i++) this.act(what, s, pick + i * 7);
      }, cpu);
    }
  }

  private act(what: Step["what"], s: KmemCachePtr, pick: number): void {
    const { kernel } = this.system;
    if (what === "alloc") this.keep(s, kernel.kmemCacheAlloc(s));
    else if (what === "node") this.keep(s, kernel.kmemCacheAllocNode(s, GFP_KERNEL, pick & 1));
    else if (what === "shrink") kernel.kmemCacheShrink(s);
    else if (what === "bulk") {
      const p: Address[] = [];
      // Where memory ends it returns none and has given back what it had put there.
      const got = kernel.kmemCacheAllocBulk(s, 1 + (pick % 30), p);
      for (const object of p.slice(0, got)) this.keep(s, object);
    } else {
      const mine = this.held.splice(pick % (this.held.length + 1), what === "free" ? 1 : 20);
      if (what === "free") for (const { object } of mine) kernel.kfree(object);
      else
        kernel.kmemCacheFreeBulk(
          0,
          mine.length,
          mine.map(({ object }) => object),
        );
    }
  }

  private keep(s: KmemCachePtr, object: Address): void {
    if (object !== 0) this.held.push({ s, object });
  }

  /** Gives all back and destroys the caches; true if that went as it should. */
  end(): boolean {
    const { kernel } = this.system;
    for (const { object } of this.held.splice(0)) kernel.kfree(object);
    for (const object of this.fromInterrupts.splice(0)) kernel.kfree(object);
    return this.caches.every((s) => kernel.kmemCacheDestroy(s) === 0);
  }
}

const builds: [string, BootOptions][] = [
  ["as it is", {}],
  ["with slab_lock", { swap: "slab_lock" }],
  ["with hardened and random freelists", { hardened: true, randomized: true }],
];

/** All that is wrong after `steps` under torture, after all was freed, and what did not come back. */
function troubles(
  options: BootOptions,
  change: Change,
  steps: readonly Step[],
  seed: number,
): string[] {
  const system = watched({ cpus: 2, nodes: 2, ...options }, change);
  const { kernel, memory } = system;
  const before = systemOf(kernel).pages.freePagesTotal();
  const traffic = new Traffic(system);
  memory.torture({ interrupts: 0.01, migrations: 0.01, delays: 0 }, seed);
  traffic.run(steps);
  memory.disable();
  const settle = (): string[] => {
    kernel.run(() => systemOf(kernel).machine.rcu.barrier());
    return system.findings().map(({ message }) => message);
  };
  const found = settle();
  if (!traffic.end()) found.push("a cache without objects cannot be destroyed");
  found.push(...settle());
  for (const s of systemOf(kernel).common.caches()) kernel.kmemCacheShrink(s);
  if (systemOf(kernel).pages.freePagesTotal() < before) found.push("pages are gone");
  return found;
}

const traffic = fc.tuple(fc.array(step, { maxLength: 60 }), fc.integer());

describe.each(builds)("SLUB %s", (_how, options) => {
  test("is clean after any traffic of one thread under torture", () => {
    fc.assert(
      fc.property(traffic, ([steps, seed]) => {
        expect(troubles(options, (classes) => classes, steps, seed)).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });
});

test.each(["R04", "R10", "R21"])("the same traffic shows %s", (id) => {
  const { change } = mutations.get(id) as Mutation;
  const { failed } = fc.check(
    fc.property(traffic, ([steps, seed]) => troubles({}, change, steps, seed).length === 0),
    { numRuns: 100, endOnFailure: true },
  );
  expect(failed).toBe(true);
});
