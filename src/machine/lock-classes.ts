// SPDX-License-Identifier: MIT
/**
 * The classes of the kernel's locks, in the order in which they nest. A context that holds a lock
 * takes only locks of classes further down. Two locks of one class never nest: no code of our kernels
 * needs spin_lock_nested. Code that does has to say so by lockdepOff.
 *
 *     cpu_hotplug_lock      CPUs stay as they are                kmem_cache_create, _cpu_down
 *       mem_hotplug_lock    memory stays as it is                get_online_mems, online_pages
 *         memcg_cache_ids   the number of memory groups          memcg_get_cache_ids
 *           slab_mutex      the list of caches                   mm/slab_common.c
 *             alien->lock   objects on their way to a node       mm/slab.c: cache_free_alien
 *             pcs->lock     what a CPU has of a cache            mm/slub.c: slub_percpu_sheaves
 *             barn->lock    a node's sheaves                     mm/slub.c: node_barn
 *               list_lock   a node's slabs                       mm/slab.h: kmem_cache_node
 *                 slab_lock freelist and counters of one slab    mm/slub.c: PG_locked
 *                   zone->lock   free pages                      mm/page_alloc.c
 *                     rcu.lock   grace periods                   kernel/rcu/tree.c: rnp->lock
 *                       object->lock   what kmemleak reads       mm/kmemleak.c
 *
 * Sources: "Lock order" at the top of mm/slub.c, kmem_cache_create and kmem_cache_destroy in
 * mm/slab_common.c, cache_free_alien and __drain_alien_cache in mm/slab.c (833b706cc8b4 took the
 * nesting of two nodes' locks out).
 */
const IN_ORDER = [
  "cpu_hotplug_lock",
  "mem_hotplug_lock",
  "memcg_cache_ids",
  "slab_mutex",
  "alien->lock",
  "pcs->lock",
  "barn->lock",
  "list_lock",
  "slab_lock",
  "zone->lock",
  "rcu.lock",
  "object->lock",
] as const;

export type LockClass = (typeof IN_ORDER)[number];

/** The class word of a lock without a class: it may be taken in any order. */
export const NO_LOCK_CLASS = 0;

/** The number of a class, from 1: locks of a higher number are taken later. */
export function lockClassNumber(lockClass: LockClass): number {
  return IN_ORDER.indexOf(lockClass) + 1;
}

/** The class of that number; `lock` where it is the number of none. */
export function lockClassName(number: number): LockClass | "lock" {
  return IN_ORDER[number - 1] ?? "lock";
}
