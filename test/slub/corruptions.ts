/**
 * Any byte that debugging guards may be overwritten by any other: it is reported with the object,
 * the place and the byte found, repaired, and the cache goes on as if nothing had happened.
 */

import fc from "fast-check";
import { expect } from "vitest";
import {
  SLAB_CONSISTENCY_CHECKS,
  SLAB_POISON,
  SLAB_RED_ZONE,
  SLAB_STORE_USER,
} from "../../src/caches/flags.ts";
import type { KmemCachePtr } from "../../src/caches/kmem-cache.ts";
import { systemOf } from "../../src/kernel/kernel.ts";
import { PAGE_SIZE } from "../../src/machine/machine.ts";
import type { Address } from "../../src/machine/memory.ts";
import { noWitness } from "../../src/machine/witness.ts";
import { type Bench, bench } from "../kunit/bench.ts";

/** Caches that are given up fill the memory; then there is a new machine. */
const CACHES_A_MACHINE = 100;

const FZPU = SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER;

const LOOKED_AT = { "4.1": 0, "6.1": SLAB_CONSISTENCY_CHECKS } as const;

const corruption = fc.record({
  kernel: fc.constantFrom("4.1" as const, "6.1" as const),
  size: fc.integer({ min: 8, max: 700 }),
  flags: fc.constantFrom(
    SLAB_RED_ZONE,
    SLAB_POISON,
    SLAB_RED_ZONE | SLAB_POISON,
    SLAB_POISON | SLAB_STORE_USER,
    FZPU,
  ),
  inUse: fc.boolean(),
  /** What finds it: a validation, or the next allocation or free of the object. */
  validated: fc.boolean(),
  neighbours: fc.integer({ min: 0, max: 30 }),
  where: fc.nat(4095),
  change: fc.integer({ min: 1, max: 255 }),
});

/** All bytes of an object, or behind the last one, that must hold what debugging put there. */
function guardedBytes({ slub }: Bench, s: KmemCachePtr, object: Address, inUse: boolean) {
  const { layout } = slub.debugging;
  const bytes: Address[] = [];
  const add = (from: number, to: number): void => {
    for (let at = object + from; at < object + to; at++) bytes.push(at);
  };
  const red = layout.has(s, SLAB_RED_ZONE);
  if (red) add(-layout.redLeftPad(s), 0);
  if (!inUse && layout.poisonsObjects(s)) add(0, layout.objectSize(s));
  // Between object and free pointer lies a red zone, or padding; without poison, nothing.
  if (red || layout.has(s, SLAB_POISON)) add(layout.objectSize(s), layout.inuse(s));
  if (layout.has(s, SLAB_POISON)) {
    add(layout.paddingStart(s), layout.paddingEnd(s));
    const { pages } = slub.context;
    const page = pages.virtToHeadPage(object);
    const slabBytes = PAGE_SIZE << pages.compoundOrder(page);
    const rest = slabBytes % layout.size(s);
    const end = pages.pageAddress(page) + slabBytes;
    for (let at = end - rest; at < end; at++) bytes.push(at);
  }
  return bytes;
}

/** Tries `count` corruptions; fast-check names the one that goes wrong, and `seed` brings it back. */
export function expectReported(count: number, seed: number): void {
  const machines = new Map<string, Bench>();
  let caches = 0;
  const machineOf = (kernel: "4.1" | "6.1"): Bench => {
    if (caches++ % CACHES_A_MACHINE === 0) machines.clear();
    const known = machines.get(kernel);
    if (known !== undefined) return known;
    const fresh = bench({ kernel });
    systemOf(fresh.kernel).machine.witness = noWitness;
    return fresh;
  };

  fc.assert(
    fc.property(corruption, ({ kernel: version, size, inUse, validated, ...rest }) => {
      // A full slab is on a list, where a validation finds it, only with tracked users.
      // Since 4.7 those who take and give objects look at them only with consistency checks.
      const looked = validated ? SLAB_STORE_USER : LOOKED_AT[version];
      const flags = rest.flags | looked;
      const on = machineOf(version);
      // A machine is used again only after a run that went well.
      machines.delete(version);
      const { kernel, reports, validate, errorsOf } = on;
      const s = kernel.kmemCacheCreate(`victims-${caches}`, size, { flags });
      const held = Array.from({ length: rest.neighbours }, () => kernel.kmemCacheAlloc(s));
      const victim = kernel.kmemCacheAlloc(s);
      if (!inUse) kernel.kmemCacheFree(s, victim);
      const bytes = guardedBytes(on, s, victim, inUse);
      if (bytes.length > 0) {
        const at = bytes[rest.where % bytes.length] as Address;
        const wrong = (systemOf(kernel).memory.read8(at) ^ rest.change) & 0xff;
        on.poke(at, wrong);
        reports.length = 0;
        const errors = validated
          ? validate(s)
          : errorsOf(() => {
              if (inUse) kernel.kmemCacheFree(s, victim);
              else held.push(kernel.kmemCacheAlloc(s));
            });
        expect(errors).toBeGreaterThanOrEqual(2);
        expect(
          reports.map(({ wrong: found }) => [found?.first, found?.last, found?.found]),
        ).toEqual([[at, at, wrong]]);
        if (inUse && !validated) held.push(kernel.kmemCacheAlloc(s));
        else if (inUse) held.push(victim);
      } else if (inUse) {
        held.push(victim);
      }
      // Nothing is left to complain of, and every object that was handed out can go home.
      expect(validate(s)).toBe(0);
      const more = Array.from({ length: 12 }, () => kernel.kmemCacheAlloc(s));
      expect([...held, ...more]).not.toContain(0);
      expect(new Set([...held, ...more]).size).toBe(held.length + more.length);
      expect(
        errorsOf(() => {
          for (const object of [...held, ...more]) kernel.kmemCacheFree(s, object);
        }),
      ).toBe(0);
      expect(validate(s)).toBe(0);
      // A slab whose free object was found bad on allocation is given up, and with it the cache.
      kernel.kmemCacheDestroy(s);
      machines.set(version, on);
    }),
    { numRuns: count, seed },
  );
}
