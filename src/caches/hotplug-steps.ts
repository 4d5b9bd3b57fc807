// SPDX-License-Identifier: GPL-2.0-only
/**
 * What an allocator does when CPUs and the memory of nodes come and go: the steps of its CPU and
 * memory notifiers. The caller holds the hotplug lock concerned as a writer; the steps take
 * slab_mutex. May sleep.
 */
import { KernelBug } from "../machine/kernel-bug.ts";

export interface DeadCpu {
  /** No other CPU of its node is online. */
  readonly lastOfNode: boolean;
}

export interface HotplugSteps {
  /** A CPU is about to come: makes the memory that it needs. 0 or -ENOMEM. */
  prepareCpu(cpu: number): number;
  /** It is there. */
  onlineCpu(cpu: number): void;
  /** It is about to go, and is still there. */
  offlineCpu(cpu: number): void;
  /** It is gone, and runs nothing: the objects that it held go where others find them. */
  deadCpu(cpu: number, dead: DeadCpu): void;

  /** MEM_GOING_ONLINE: makes the structs that the node's memory needs. 0 or -ENOMEM. */
  nodeGoingOnline(nid: number): number;
  /** MEM_CANCEL_ONLINE, MEM_OFFLINE: the node has no memory, so there must be no slab on it. */
  nodeGone(nid: number): void;
  /** MEM_GOING_OFFLINE: gives empty slabs back; -EBUSY where it sees that objects remain. */
  nodeGoingOffline(nid: number): number;
}

/** The memory of a node is gone, and the named caches have slabs on it. */
export function slabsOfNobody(nid: number, caches: readonly string[]): void {
  if (caches.length === 0) return;
  throw new KernelBug(
    "leaked-page",
    `node ${nid} has no memory any more, but slabs of ${caches.join(", ")} lie there`,
  );
}
