// SPDX-License-Identifier: GPL-2.0-only
/**
 * CPUs and the memory of nodes come and go under load. Whoever does it holds the hotplug lock
 * concerned as a writer, so that no cache is made, shrunk or destroyed meanwhile; allocating and
 * freeing go on. Docs: docs/hotplug.md.
 *
 * A CPU goes in the kernel's order: nobody runs there any more, a grace period passes, its callbacks
 * have run, and then what it held is given to others: slabs, queues, free pages.
 */
import { EBUSY, EINVAL } from "../caches/errno.ts";
import type { SlabCommon } from "../caches/slab-common.ts";
import { holdOff, hotplugBegin, hotplugDone, letGo } from "../machine/hotplug-lock.ts";
import type { Machine } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import type { Pages } from "../pages/pages.ts";

export class Hotplug {
  declare private readonly memory: Memory;
  declare private readonly machine: Machine;
  declare private readonly pages: Pages;
  declare private readonly common: SlabCommon;

  constructor(common: SlabCommon) {
    this.memory = common.machine.memory;
    this.machine = common.machine;
    this.pages = common.pages;
    this.common = common;
  }

  /** See System.cpuDown. */
  cpuDown(cpu: number): number {
    return this.exclusively(this.common.cpuHotplugLock, () => this.takeCpuDown(cpu));
  }

  /** _cpu_down */
  private takeCpuDown(cpu: number): number {
    const { memory } = this;
    const { presence, rcu, topology } = this.machine;
    const { hotplug } = this.common.allocator;
    const online = presence.online();
    if (!online.includes(cpu)) return -EINVAL;
    if (online.length === 1) return -EBUSY;
    hotplug.offlineCpu(cpu);
    presence.vacate(cpu);
    this.doIrqWork(cpu);
    // No call to that CPU is under way any more; what it left to be done later is done.
    rcu.synchronize();
    rcu.barrierOf(cpu);
    const node = topology.cpuToNode(cpu);
    const lastOfNode = !topology.cpusOfNode(node).some((other) => presence.isOnline(other));
    hotplug.deadCpu(cpu, { lastOfNode });
    const flags = memory.irqSave();
    this.common.groups?.deadCpu(cpu);
    this.common.kasan?.quarantine.deadCpu(cpu);
    this.pages.pcp.drainAbsentCpu(cpu);
    memory.irqRestore(flags);
    return 0;
  }

  /** What the CPU has left to an interrupt, none of which comes any more. */
  private doIrqWork(cpu: number): void {
    const { memory } = this;
    const flags = memory.irqSave();
    this.machine.irqWork.takeOf(cpu);
    memory.irqRestore(flags);
  }

  /** See System.cpuUp. */
  cpuUp(cpu: number): number {
    return this.exclusively(this.common.cpuHotplugLock, () => this.bringCpuUp(cpu));
  }

  /** _cpu_up */
  private bringCpuUp(cpu: number): number {
    const { presence } = this.machine;
    const { hotplug } = this.common.allocator;
    if (!this.isCpu(cpu) || presence.isOnline(cpu)) return -EINVAL;
    const error = hotplug.prepareCpu(cpu);
    if (error !== 0) return error;
    presence.arrive(cpu);
    hotplug.onlineCpu(cpu);
    return 0;
  }

  private isCpu(cpu: number): boolean {
    return Number.isInteger(cpu) && cpu >= 0 && cpu < this.machine.options.cpus;
  }

  /** See System.nodeOffline. */
  nodeOffline(nid: number): number {
    return this.withMemory(() => this.takeNodeOffline(nid));
  }

  /** offline_pages, for all memory of a node */
  private takeNodeOffline(nid: number): number {
    if (!this.isNode(nid) || !this.pages.hasMemory(nid)) return -EINVAL;
    const { hotplug } = this.common.allocator;
    this.pages.isolate(nid);
    if (hotplug.nodeGoingOffline(nid) !== 0 || !this.isAllBack(nid)) {
      // MEM_CANCEL_OFFLINE
      this.pages.undoIsolate(nid);
      return -EBUSY;
    }
    hotplug.nodeGone(nid);
    return 0;
  }

  /** Whether all pages of a node are free, those of slabs that wait for readers included. */
  private isAllBack(nid: number): boolean {
    this.machine.rcu.barrier();
    this.pages.drainAllPages();
    return this.pages.isUnused(nid);
  }

  /** See System.nodeOnline. */
  nodeOnline(nid: number): number {
    return this.withMemory(() => this.bringNodeOnline(nid));
  }

  /** online_pages */
  private bringNodeOnline(nid: number): number {
    if (!this.isNode(nid) || this.pages.hasMemory(nid)) return -EINVAL;
    const { hotplug } = this.common.allocator;
    const error = hotplug.nodeGoingOnline(nid);
    // MEM_CANCEL_ONLINE, or the pages can be had.
    if (error !== 0) hotplug.nodeGone(nid);
    else this.pages.undoIsolate(nid);
    return error;
  }

  private isNode(nid: number): boolean {
    return Number.isInteger(nid) && nid >= 0 && nid < this.machine.options.nodes;
  }

  /** mem_hotplug_begin: CPUs stay as they are meanwhile. */
  private withMemory(change: () => number): number {
    const { cpuHotplugLock, memHotplugLock } = this.common;
    holdOff(this.memory, cpuHotplugLock);
    const error = this.exclusively(memHotplugLock, change);
    letGo(this.memory, cpuHotplugLock);
    return error;
  }

  private exclusively(lock: Address, change: () => number): number {
    hotplugBegin(this.memory, lock);
    const error = change();
    hotplugDone(this.memory, lock);
    return error;
  }
}
