// SPDX-License-Identifier: GPL-2.0-only
/**
 * Objects and slabs that were not used for a while go back, a little at a time (cache_reap): every
 * two seconds each CPU looks at its own arrays and one alien cache, every four at its node's shared
 * array and free slabs. A queue that was used since the last look only loses its mark.
 *
 * Runs as an operation of its own on its CPU, when the driver tells the time (tick).
 */
import type { Address, Memory } from "../machine/memory.ts";
import { mutexTrylock, mutexUnlock } from "../machine/mutex.ts";
import { sizeOf, struct, word } from "../machine/struct.ts";
import type { AlienCaches } from "./alien.ts";
import { type Clock, HZ, REAPTIMEOUT_AC, REAPTIMEOUT_NODE } from "./clock.ts";
import type { Drain } from "./drain.ts";
import type { SlabContext } from "./slab-context.ts";
import { REAP_PASS, REAPED } from "./statistics.ts";
import { KmemCache, KmemCacheNode, type KmemCacheNodePtr, type KmemCachePtr } from "./structs.ts";

/** One a CPU. */
const ReapWork = struct("slab_reap_work", {
  /** Jiffies of the next pass, once `started`. */
  due: word,
  started: word,
  /** The next node whose alien cache is looked at. */
  node: word,
});

/** The parts of a SLAB that it uses. */
export interface ReaperParts {
  readonly context: SlabContext;
  readonly clock: Clock;
  readonly aliens: AlienCaches;
  readonly drain: Drain;
}

export class Reaper {
  declare protected readonly context: SlabContext;
  declare protected readonly memory: Memory;
  declare protected readonly clock: Clock;
  declare protected readonly aliens: AlienCaches;
  declare protected readonly drain: Drain;
  declare protected readonly work: Address;

  constructor(parts: ReaperParts) {
    this.context = parts.context;
    this.memory = parts.context.memory;
    this.clock = parts.clock;
    this.aliens = parts.aliens;
    this.drain = parts.drain;
    this.work = parts.context.machine.percpu.define(sizeOf(ReapWork));
  }

  /** start_cpu_timer: a CPU that came up begins to reap; the CPUs take turns. */
  start(cpu: number): void {
    const { memory } = this;
    const work = memory.perCpuPtr(this.work, cpu);
    const home = this.context.machine.topology.cpuToNode(cpu);
    memory.storeRelease(work + ReapWork.node, (home + 1) % this.context.nodes);
    memory.storeRelease(work + ReapWork.due, (this.clock.jiffies + HZ + 3 * cpu) | 0);
    // Release: the CPU that sees it sees when.
    memory.storeRelease(work + ReapWork.started, 1);
  }

  /** A CPU that goes down reaps no more. */
  stop(cpu: number): void {
    this.memory.storeRelease(this.memory.perCpuPtr(this.work, cpu) + ReapWork.started, 0);
  }

  /** It is `jiffies` now: this CPU reaps if its time has come. True if it did. */
  tick(jiffies: number): boolean {
    const { memory } = this;
    this.clock.advance(jiffies);
    const flags = memory.irqSave();
    const due =
      memory.thisCpuRead(this.work + ReapWork.started) !== 0 &&
      this.clock.hasCome(memory.thisCpuRead(this.work + ReapWork.due));
    // Queued again at once: an interrupt that ticks meanwhile finds nothing due.
    if (due) this.queueAgain(memory.smpProcessorId(), jiffies);
    memory.irqRestore(flags);
    if (due) this.reap();
    return due;
  }

  /** The next pass is on the same CPU, whose arrays no other CPU may touch (a9f2a846f050). */
  protected queueAgain(cpu: number, jiffies: number): void {
    const work = this.memory.perCpuPtr(this.work, cpu);
    this.memory.write32(work + ReapWork.due, (jiffies + REAPTIMEOUT_AC) | 0);
  }

  /** cache_reap: one pass over all caches; gives up while slab_mutex is held elsewhere. */
  reap(): void {
    const { common } = this.context;
    if (!mutexTrylock(this.memory, common.slabMutex)) return;
    const { nid, remote } = this.place();
    for (const s of common.caches()) this.reapCache(s, this.context.nodeOf(s, nid), remote);
    mutexUnlock(this.memory, common.slabMutex);
  }

  /** This CPU's node, and the node whose alien cache is looked at this time. */
  private place(): { nid: number; remote: number } {
    const { memory } = this;
    const flags = memory.irqSave();
    const nid = this.context.localNode();
    const work = memory.thisCpuPtr(this.work);
    const remote = memory.read32(work + ReapWork.node);
    memory.write32(work + ReapWork.node, (remote + 1) % this.context.nodes);
    memory.irqRestore(flags);
    return { nid, remote };
  }

  private reapCache(s: KmemCachePtr, n: KmemCacheNodePtr, remote: number): void {
    const { memory } = this;
    if (n === 0) return;
    this.context.stat(s, REAP_PASS);
    this.aliens.reap(s, memory.readOnce(n + KmemCacheNode.alien), remote);
    this.drain.drainOwnArray(s);
    if (!this.clock.hasCome(memory.readOnce(n + KmemCacheNode.nextReap))) return;
    memory.writeOnce(n + KmemCacheNode.nextReap, (this.clock.jiffies + REAPTIMEOUT_NODE) | 0);
    this.drain.drainShared(s, n, "fifth");
    if (memory.readOnce(n + KmemCacheNode.freeTouched) !== 0) {
      memory.writeOnce(n + KmemCacheNode.freeTouched, 0);
      return;
    }
    const num = memory.read32(s + KmemCache.num);
    const limit = memory.readOnce(n + KmemCacheNode.freeLimit);
    const most = Math.floor((limit + 5 * num - 1) / (5 * num));
    this.context.stat(s, REAPED, this.drain.drainFreelist(s, n, most));
  }
}
