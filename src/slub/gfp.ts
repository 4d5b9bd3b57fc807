// SPDX-License-Identifier: GPL-2.0-only
/** How SLUB is asked since 6.18 beyond the flags of the page allocator. */

/** Never waits for a lock: kmalloc_nolock, from any context. (The kernel: no __GFP_RECLAIM bit.) */
export const GFP_NOLOCK = 0x200_0000;
/** The object is a sheaf itself, and none is made on its account. */
export const __GFP_NO_OBJ_EXT = 0x400_0000;

/** gfpflags_allow_spinning */
export function allowsSpinning(gfp: number): boolean {
  return (gfp & GFP_NOLOCK) === 0;
}
