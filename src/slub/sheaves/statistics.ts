// SPDX-License-Identifier: GPL-2.0-only
/** The 26 events that SLUB of 7.1 counts (enum stat_item), by their sysfs names. */

export const SHEAF_STAT_NAMES = [
  "alloc_fastpath",
  "alloc_slowpath",
  "free_rcu_sheaf",
  "free_rcu_sheaf_fail",
  "free_fastpath",
  "free_slowpath",
  "free_add_partial",
  "free_remove_partial",
  "alloc_slab",
  "alloc_node_mismatch",
  "free_slab",
  "order_fallback",
  "cmpxchg_double_fail",
  "sheaf_flush",
  "sheaf_refill",
  "sheaf_alloc",
  "sheaf_free",
  "barn_get",
  "barn_get_fail",
  "barn_put",
  "barn_put_fail",
  "sheaf_prefill_fast",
  "sheaf_prefill_slow",
  "sheaf_prefill_oversize",
  "sheaf_return_fast",
  "sheaf_return_slow",
] as const;

export const ALLOC_FASTPATH = 0;
export const ALLOC_SLOWPATH = 1;
export const FREE_RCU_SHEAF = 2;
export const FREE_RCU_SHEAF_FAIL = 3;
export const FREE_FASTPATH = 4;
export const FREE_SLOWPATH = 5;
export const FREE_ADD_PARTIAL = 6;
export const FREE_REMOVE_PARTIAL = 7;
export const ALLOC_SLAB = 8;
export const ALLOC_NODE_MISMATCH = 9;
export const FREE_SLAB = 10;
export const ORDER_FALLBACK = 11;
export const CMPXCHG_DOUBLE_FAIL = 12;
export const SHEAF_FLUSH = 13;
export const SHEAF_REFILL = 14;
export const SHEAF_ALLOC = 15;
export const SHEAF_FREE = 16;
export const BARN_GET = 17;
export const BARN_GET_FAIL = 18;
export const BARN_PUT = 19;
export const BARN_PUT_FAIL = 20;
export const SHEAF_PREFILL_FAST = 21;
export const SHEAF_PREFILL_SLOW = 22;
export const SHEAF_PREFILL_OVERSIZE = 23;
export const SHEAF_RETURN_FAST = 24;
export const SHEAF_RETURN_SLOW = 25;
