// SPDX-License-Identifier: GPL-2.0-only
/** How pages are wanted: the gfp bits of Linux 4.1, of which the slab allocators use these. */

export const __GFP_DMA = 0x1;
/** May sleep: interrupts are turned on meanwhile. */
export const __GFP_WAIT = 0x10;
export const __GFP_HIGH = 0x20;
export const __GFP_IO = 0x40;
export const __GFP_FS = 0x80;
export const __GFP_NOWARN = 0x200;
export const __GFP_NOFAIL = 0x800;
export const __GFP_NORETRY = 0x1000;
/** May use the reserves. */
export const __GFP_MEMALLOC = 0x2000;
export const __GFP_COMP = 0x4000;
export const __GFP_ZERO = 0x8000;
/** May not, whatever the task may. */
export const __GFP_NOMEMALLOC = 0x1_0000;
export const __GFP_THISNODE = 0x4_0000;
export const __GFP_RECLAIMABLE = 0x8_0000;
/** Charged to nobody, whatever group the task is in (until Linux 4.5). */
export const __GFP_NOACCOUNT = 0x10_0000;
/** 4.1: kmemcheck does not look at it. */
export const __GFP_NOTRACK = 0x20_0000;
/** Charged to the task's group (since Linux 4.5; the bit is that of 6.1). */
export const __GFP_ACCOUNT = 0x40_0000;

export const GFP_NOWAIT = 0;
/** Never sleeps, may use the reserve. */
export const GFP_ATOMIC = GFP_NOWAIT | __GFP_HIGH;
/** May sleep. */
export const GFP_KERNEL = __GFP_WAIT | __GFP_IO | __GFP_FS;
