// SPDX-License-Identifier: GPL-2.0-only
/**
 * How a request for memory is printed. The machine runs with the bits of 4.1; later kernels have
 * others, and print names beside them (%pGg).
 */
import {
  __GFP_COMP,
  __GFP_DMA,
  __GFP_FS,
  __GFP_HIGH,
  __GFP_IO,
  __GFP_MEMALLOC,
  __GFP_NOFAIL,
  __GFP_NOMEMALLOC,
  __GFP_NORETRY,
  __GFP_NOWARN,
  __GFP_RECLAIMABLE,
  __GFP_THISNODE,
  __GFP_WAIT,
  __GFP_ZERO,
} from "../pages/gfp.ts";
import { type KernelVersion, since } from "./kernel-version.ts";

/** Bits since 4.4, where waiting was split in two and one bit more says what may not wait. */
const DIRECT_RECLAIM = 0x400;
const KSWAPD_RECLAIM = 0x800;
/** Until 6.3. */
const ATOMIC = 0x200;

const LATER_BITS: readonly [bit: number, later: number][] = [
  [__GFP_DMA, 0x1],
  [__GFP_RECLAIMABLE, 0x10],
  [__GFP_HIGH, 0x20],
  [__GFP_IO, 0x40],
  [__GFP_FS, 0x80],
  [__GFP_ZERO, 0x100],
  [__GFP_WAIT, DIRECT_RECLAIM],
  [__GFP_NOWARN, 0x2000],
  [__GFP_NOFAIL, 0x8000],
  [__GFP_NORETRY, 0x1_0000],
  [__GFP_MEMALLOC, 0x2_0000],
  [__GFP_COMP, 0x4_0000],
  [__GFP_NOMEMALLOC, 0x8_0000],
  [__GFP_THISNODE, 0x20_0000],
];

/** In the order in which they are looked for: those of several bits first. */
const NAMES: readonly [name: string, bits: number][] = [
  ["GFP_KERNEL", 0xcc0],
  ["GFP_NOFS", 0xc40],
  ["GFP_NOIO", 0xc00],
  ["GFP_DMA", 0x1],
  ["__GFP_HIGH", 0x20],
  ["__GFP_ATOMIC", ATOMIC],
  ["__GFP_IO", 0x40],
  ["__GFP_FS", 0x80],
  ["__GFP_NOWARN", 0x2000],
  ["__GFP_NOFAIL", 0x8000],
  ["__GFP_NORETRY", 0x1_0000],
  ["__GFP_COMP", 0x4_0000],
  ["__GFP_ZERO", 0x100],
  ["__GFP_NOMEMALLOC", 0x8_0000],
  ["__GFP_MEMALLOC", 0x2_0000],
  ["__GFP_THISNODE", 0x20_0000],
  ["__GFP_RECLAIMABLE", 0x10],
  ["__GFP_DIRECT_RECLAIM", DIRECT_RECLAIM],
  ["__GFP_KSWAPD_RECLAIM", KSWAPD_RECLAIM],
];

/** GFP_NOWAIT also asks for no warning since 6.9, and is then no mask of one bit. */
function namesOf(kernel: KernelVersion): readonly [name: string, bits: number][] {
  const atomic = since(kernel, "6.3") ? 0x820 : 0xa20;
  const nowait = since(kernel, "6.9") ? 0x2800 : KSWAPD_RECLAIM;
  const [reclaiming, rest] = [NAMES.slice(0, 2), NAMES.slice(2)];
  return [
    ...reclaiming,
    ["GFP_ATOMIC", atomic],
    ...rest.slice(0, 1),
    ["GFP_NOWAIT", nowait],
    ...rest.slice(1),
  ];
}

function laterBits(kernel: KernelVersion, gfp: number): number {
  const mayWait = (gfp & __GFP_WAIT) !== 0;
  const isAtomic = !mayWait && (gfp & __GFP_HIGH) !== 0 && !since(kernel, "6.3");
  return LATER_BITS.reduce(
    (bits, [bit, later]) => ((gfp & bit) === 0 ? bits : bits | later),
    KSWAPD_RECLAIM | (isAtomic ? ATOMIC : 0),
  );
}

/** `(gfp=0xd0)`, or `, gfp=0xcc0(GFP_KERNEL)` since 4.7: what follows the node in a message. */
export function gfpText(kernel: KernelVersion, gfp: number): string {
  if (!since(kernel, "4.7")) return ` (gfp=0x${gfp.toString(16)})`;
  const bits = laterBits(kernel, gfp);
  const names: string[] = [];
  let rest = bits;
  for (const [name, mask] of namesOf(kernel)) {
    if ((rest & mask) !== mask) continue;
    names.push(name);
    rest &= ~mask;
  }
  return `, gfp=0x${bits.toString(16)}(${names.join("|")})`;
}
