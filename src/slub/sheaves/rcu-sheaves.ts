// SPDX-License-Identifier: GPL-2.0-only
/**
 * kfree_rcu by the sheaf: each CPU collects objects, and a full sheaf waits for one grace period. It
 * then goes to the barn as it is: its objects are free, and lie where they are allocated next.
 */
import type { Address, Memory } from "../../machine/memory.ts";
import { __GFP_NOWARN, GFP_NOWAIT } from "../../pages/gfp.ts";
import type { SlubContext } from "../slub-context.ts";
import type { KmemCachePtr } from "../structs.ts";
import { type Barns, MAX_EMPTY_SHEAVES, MAX_FULL_SHEAVES } from "./barn.ts";
import type { SheafLock } from "./cpu-sheaves.ts";
import type { Flush } from "./flush.ts";
import type { Sheaves } from "./sheaf.ts";
import { BARN_PUT, BARN_PUT_FAIL, FREE_RCU_SHEAF, FREE_RCU_SHEAF_FAIL } from "./statistics.ts";
import { type CpuSheavesPtr, Sheaf, type SheafPtr } from "./structs.ts";

export interface RcuSheavesParts {
  readonly context: SlubContext;
  readonly sheaves: Sheaves;
  readonly sheafLock: SheafLock;
  readonly barns: Barns;
  readonly flush: Flush;
}

export class RcuSheaves {
  declare protected readonly parts: RcuSheavesParts;
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;
  /** Numbers of the callbacks, and of the inter-processor call that hands a CPU's sheaf over. */
  declare private readonly freeSheaf: number;
  declare private readonly freeSheafNoBarn: number;
  declare protected readonly flushHere: number;

  constructor(parts: RcuSheavesParts) {
    this.parts = parts;
    this.context = parts.context;
    this.memory = parts.context.memory;
    const { functions } = parts.context.machine;
    this.freeSheaf = functions.register((head) => this.rcuFreeSheaf(head - Sheaf.link));
    this.freeSheafNoBarn = functions.register((head) => this.rcuFreeSheafNoBarn(head - Sheaf.link));
    this.flushHere = functions.register((s) => this.flushThisCpu(s));
  }

  /** __kfree_rcu_sheaf: false, and the object is still the caller's. */
  free(s: KmemCachePtr, object: Address): boolean {
    const pcs = this.lockWithSheaf(s);
    if (pcs === 0) {
      this.context.stat(s, FREE_RCU_SHEAF_FAIL);
      return false;
    }
    const { sheaves, sheafLock } = this.parts;
    const sheaf = sheafLock.rcuFree(pcs);
    sheaves.push(sheaf, object);
    if (sheaves.size(sheaf) >= sheaves.capacityOf(s)) {
      sheafLock.setRcuFree(pcs, 0);
      // Before the lock is dropped: a barrier that runs on this CPU next must find it queued.
      this.queueFull(sheaf);
    }
    sheafLock.unlock(pcs);
    this.context.stat(s, FREE_RCU_SHEAF);
    return true;
  }

  /** Whose barn a full sheaf of this CPU's goes to. */
  protected homeNode(): number {
    return this.context.machine.topology.cpuToNode(this.memory.smpProcessorId());
  }

  /** The sheaf lock, with a sheaf that collects; or 0. */
  protected lockWithSheaf(s: KmemCachePtr): CpuSheavesPtr {
    const { sheaves, sheafLock, barns } = this.parts;
    const pcs = sheafLock.trylock(s);
    if (pcs === 0) return 0;
    if (sheafLock.rcuFree(pcs) !== 0) return pcs;
    const barn = sheaves.capacityOf(s) === 0 ? 0 : barns.here(s);
    if (barn === 0) {
      sheafLock.unlock(pcs);
      return 0;
    }
    const spare = sheafLock.spare(pcs);
    if (spare !== 0 && sheaves.size(spare) === 0) {
      sheafLock.setRcuFree(pcs, spare);
      sheafLock.setSpare(pcs, 0);
      return pcs;
    }
    const empty = barns.getEmpty(barn, true);
    if (empty !== 0) {
      sheafLock.setRcuFree(pcs, empty);
      return pcs;
    }
    sheafLock.unlock(pcs);
    const made = sheaves.allocEmpty(s, GFP_NOWAIT | __GFP_NOWARN);
    if (made === 0) return 0;
    const again = sheafLock.trylock(s);
    // Another context, or another CPU's, may have one by now.
    if (again === 0 || sheafLock.rcuFree(again) !== 0) barns.putEmpty(barn, made);
    else sheafLock.setRcuFree(again, made);
    return again;
  }

  /** call_rcu(rcu_free_sheaf): of a sheaf that nobody else knows. */
  protected queueFull(sheaf: SheafPtr): void {
    this.memory.write32(sheaf + Sheaf.node, this.homeNode());
    this.queue(sheaf, this.freeSheaf);
  }

  /** call_rcu(rcu_free_sheaf_nobarn): of a sheaf that is not to go to the barn. */
  queueNoBarn(sheaf: SheafPtr): void {
    this.queue(sheaf, this.freeSheafNoBarn);
  }

  private queue(sheaf: SheafPtr, callback: number): void {
    this.context.machine.rcu.call(sheaf + Sheaf.link, callback);
  }

  /** slab_free_hook of an object whose grace period is over. */
  protected slabFreeHook(_s: KmemCachePtr, _object: Address): void {}

  /** __rcu_free_sheaf_prepare */
  private runHooks(sheaf: SheafPtr): KmemCachePtr {
    const s = this.memory.read32(sheaf + Sheaf.cache);
    for (const object of this.parts.sheaves.objects(sheaf)) this.slabFreeHook(s, object);
    return s;
  }

  /** rcu_free_sheaf */
  private rcuFreeSheaf(sheaf: SheafPtr): void {
    const { sheaves, barns, flush } = this.parts;
    const s = this.runHooks(sheaf);
    const barn = barns.of(s, this.memory.read32(sheaf + Sheaf.node));
    if (barn !== 0 && barns.nrFull(barn) < MAX_FULL_SHEAVES) {
      this.context.stat(s, BARN_PUT);
      barns.putFull(barn, sheaf);
      return;
    }
    this.context.stat(s, BARN_PUT_FAIL);
    flush.sheaf(s, sheaf);
    if (barn !== 0 && barns.nrEmpty(barn) < MAX_EMPTY_SHEAVES) barns.putEmpty(barn, sheaf);
    else sheaves.freeEmpty(s, sheaf);
  }

  private rcuFreeSheafNoBarn(sheaf: SheafPtr): void {
    this.parts.flush.sheafAndFree(this.runHooks(sheaf), sheaf);
  }

  /** flush_rcu_all_sheaves of one cache: every CPU hands over what it has collected. */
  flushAll(s: KmemCachePtr): void {
    if (this.parts.sheaves.capacityOf(s) === 0) return;
    this.context.machine.calls.workOnEach(() => true, this.flushHere, s);
  }

  flushThisCpu(s: KmemCachePtr): void {
    const { sheafLock } = this.parts;
    const pcs = sheafLock.lock(s);
    const sheaf = sheafLock.rcuFree(pcs);
    sheafLock.setRcuFree(pcs, 0);
    sheafLock.unlock(pcs);
    if (sheaf !== 0) this.queueNoBarn(sheaf);
  }
}
