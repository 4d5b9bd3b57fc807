// SPDX-License-Identifier: MIT
/**
 * KASAN's shadow: a byte for each 8 bytes of memory, a granule, which says how many of them may be
 * accessed. It lies behind the checker's room.
 *
 *     0        all 8 bytes                    0xfa   a free object with the track of its free
 *     1 … 7    the first so many              0xfb   a free object
 *     0xfc     between objects, behind one    0xfe   behind a large kmalloc        0xff   a free page
 *
 * The context that hands a range out or takes it back is the only one that may access it, so plain
 * stores are enough.
 */
import type { Machine } from "./machine.ts";
import type { Address } from "./memory.ts";
import { Shadow } from "./shadow.ts";

export const KASAN_SLAB_FREE_META = 0xfa;
export const KASAN_SLAB_FREE = 0xfb;
export const KASAN_SLAB_REDZONE = 0xfc;
export const KASAN_PAGE_REDZONE = 0xfe;
export const KASAN_FREE_PAGE = 0xff;

const GRANULE_SHIFT = 3;
export const GRANULE = 1 << GRANULE_SHIFT;

/** Bytes of the shadow of so much memory. */
export function shadowBytes(memory: number): number {
  return Math.ceil(memory / GRANULE);
}

export class KasanShadow extends Shadow {
  constructor(machine: Machine) {
    super(machine, GRANULE_SHIFT);
  }

  /** kasan_poison: whole granules. */
  poison(address: Address, bytes: number, value: number): void {
    this.memory.fill(this.at(address), value, bytes >> GRANULE_SHIFT);
  }

  /** kasan_unpoison: the first `bytes` bytes from a granule's start. */
  unpoison(address: Address, bytes: number): void {
    this.poison(address, bytes, 0);
    const rest = bytes % GRANULE;
    if (rest !== 0) this.memory.write8(this.at(address + bytes), rest);
  }

  /** How many bytes from a granule's start may be accessed, of `bytes`. */
  accessible(address: Address, bytes: number): number {
    const bad = this.firstBad(address, bytes);
    return bad === undefined ? bytes : bad - address;
  }

  /** The first of the bytes that must not be accessed; undefined: all may be. */
  firstBad(address: Address, bytes: number): Address | undefined {
    const end = Math.min(address + bytes, this.end);
    for (let at = address; at < end; ) {
      const granule = at & -GRANULE;
      const shadow = this.of(at);
      const allowed = shadow < GRANULE ? shadow || GRANULE : 0;
      if (Math.min(end - granule, GRANULE) > allowed) return Math.max(at, granule + allowed);
      at = granule + GRANULE;
    }
    return undefined;
  }
}
