// SPDX-License-Identifier: GPL-2.0-only
/**
 * The flags of a slab's first page as a 64-bit kernel prints them: its own bits, and in the topmost
 * ones node and zone, which is the normal one.
 */
import { type KernelVersion, since } from "../../caches/kernel-version.ts";
import { PG_LOCKED, PG_SLAB, SL_PARTIAL } from "../../pages/page.ts";

/** Bits of the zone and of the node above it, in a kernel for up to 64 nodes. */
const ZONE_SHIFT = 56n;
const NODE_SHIFT = 58n;
const ZONE_NORMAL = 2;

export interface PageFlags {
  /** In the bits of this machine. */
  readonly flags: number;
  readonly node: number;
  readonly order: number;
}

/** Name and bit of each flag that a slab may have, in the order of their names. */
function flagsOf(kernel: KernelVersion, { flags, order }: PageFlags): [string, number][] {
  const isHead = order > 0;
  // Since 6.10 a slab is known by its page type, and the bits moved together.
  const bits = since(kernel, "6.10")
    ? { locked: 0x1, partial: 0x200, slab: 0, head: 0x40 }
    : since(kernel, "4.15")
      ? { locked: 0x1, partial: 0, slab: 0x200, head: 0x1_0000 }
      : { locked: 0x1, partial: 0, slab: 0x80, head: 0x4000 };
  const all: [string, number][] = [
    ["locked", (flags & PG_LOCKED) !== 0 ? bits.locked : 0],
    ["workingset", (flags & SL_PARTIAL) !== 0 ? bits.partial : 0],
    ["slab", (flags & PG_SLAB) !== 0 ? bits.slab : 0],
    ["head", isHead ? bits.head : 0],
  ];
  return all.filter(([, bit]) => bit !== 0);
}

/** `0x200000000004080`, or with the names since 5.14 (%pGp): `0x…(slab|head|node=0|zone=2)`. */
export function pageFlagsText(kernel: KernelVersion, page: PageFlags): string {
  const flags = flagsOf(kernel, page);
  const bits = flags.reduce((sum, [, bit]) => sum | BigInt(bit), 0n);
  const place = (BigInt(page.node) << NODE_SHIFT) | (BigInt(ZONE_NORMAL) << ZONE_SHIFT);
  const number = `0x${(bits | place).toString(16).padStart(4, "0")}`;
  if (!since(kernel, "5.14")) return number;
  const names = [...flags.map(([name]) => name), `node=${page.node}`, `zone=${ZONE_NORMAL}`];
  return `${number}(${names.join("|")})`;
}
