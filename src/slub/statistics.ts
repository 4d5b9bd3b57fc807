// SPDX-License-Identifier: GPL-2.0-only
/** The 26 event counters of a cpu slab (enum stat_item, Linux 4.1), by their sysfs names. */

export const STAT_NAMES = [
  "alloc_fastpath",
  "alloc_slowpath",
  "free_fastpath",
  "free_slowpath",
  "free_frozen",
  "free_add_partial",
  "free_remove_partial",
  "alloc_from_partial",
  "alloc_slab",
  "alloc_refill",
  "alloc_node_mismatch",
  "free_slab",
  "cpuslab_flush",
  "deactivate_full",
  "deactivate_empty",
  "deactivate_to_head",
  "deactivate_to_tail",
  "deactivate_remote_frees",
  "deactivate_bypass",
  "order_fallback",
  "cmpxchg_double_cpu_fail",
  "cmpxchg_double_fail",
  "cpu_partial_alloc",
  "cpu_partial_free",
  "cpu_partial_node",
  "cpu_partial_drain",
] as const;

export type StatName = (typeof STAT_NAMES)[number];

export const ALLOC_FASTPATH = 0;
export const ALLOC_SLOWPATH = 1;
export const FREE_FASTPATH = 2;
export const FREE_SLOWPATH = 3;
export const FREE_FROZEN = 4;
export const FREE_ADD_PARTIAL = 5;
export const FREE_REMOVE_PARTIAL = 6;
export const ALLOC_FROM_PARTIAL = 7;
export const ALLOC_SLAB = 8;
export const ALLOC_REFILL = 9;
export const ALLOC_NODE_MISMATCH = 10;
export const FREE_SLAB = 11;
export const CPUSLAB_FLUSH = 12;
export const DEACTIVATE_FULL = 13;
export const DEACTIVATE_EMPTY = 14;
export const DEACTIVATE_TO_HEAD = 15;
export const DEACTIVATE_TO_TAIL = 16;
export const DEACTIVATE_REMOTE_FREES = 17;
export const DEACTIVATE_BYPASS = 18;
export const ORDER_FALLBACK = 19;
export const CMPXCHG_DOUBLE_CPU_FAIL = 20;
export const CMPXCHG_DOUBLE_FAIL = 21;
export const CPU_PARTIAL_ALLOC = 22;
export const CPU_PARTIAL_FREE = 23;
export const CPU_PARTIAL_NODE = 24;
export const CPU_PARTIAL_DRAIN = 25;
