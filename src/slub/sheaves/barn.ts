// SPDX-License-Identifier: GPL-2.0-only
/**
 * The barn of a node: a stack of full sheaves and one of empty sheaves, behind one lock. Its CPUs
 * exchange whole sheaves with it. The limits are looked at without the lock and are no promise.
 */
import { initListHead, listAdd, listDel, listNext } from "../../machine/list.ts";
import type { Address, IrqFlags, Memory } from "../../machine/memory.ts";
import {
  initSpinLock,
  spinLockIrqsave,
  spinTrylock,
  spinUnlockIrqrestore,
} from "../../machine/spinlock.ts";
import type { SlubContext } from "../slub-context.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import { Barn, type BarnPtr, Sheaf, type SheafPtr } from "./structs.ts";

export const MAX_FULL_SHEAVES = 10;
export const MAX_EMPTY_SHEAVES = 10;

/** Why a full sheaf was not taken: there are enough, there is none in exchange, the lock is held. */
export type Refusal = "E2BIG" | "ENOMEM" | "EBUSY";

export class Barns {
  declare protected readonly context: SlubContext;
  declare protected readonly memory: Memory;

  constructor(parts: { readonly context: SlubContext }) {
    this.context = parts.context;
    this.memory = parts.context.memory;
  }

  init(barn: BarnPtr): void {
    const { memory } = this;
    initSpinLock(memory, barn + Barn.lock, "barn->lock");
    initListHead(memory, barn + Barn.full);
    initListHead(memory, barn + Barn.empty);
    memory.write32(barn + Barn.nrFull, 0);
    memory.write32(barn + Barn.nrEmpty, 0);
  }

  of(s: KmemCachePtr, nid: number): BarnPtr {
    return this.memory.read32(s + KmemCache.barn + (nid << 2));
  }

  /** get_barn: of this CPU's own node, which need not have memory. 0: the cache has none. */
  here(s: KmemCachePtr): BarnPtr {
    return this.of(s, this.context.machine.topology.cpuToNode(this.memory.smpProcessorId()));
  }

  nrFull(barn: BarnPtr): number {
    return this.memory.readOnce(barn + Barn.nrFull);
  }

  nrEmpty(barn: BarnPtr): number {
    return this.memory.readOnce(barn + Barn.nrEmpty);
  }

  /** barn_replace_empty_sheaf: a full sheaf for an empty one, or 0. */
  replaceEmpty(barn: BarnPtr, empty: SheafPtr, maySpin: boolean): SheafPtr {
    if (this.nrFull(barn) === 0) return 0;
    const flags = this.lock(barn, maySpin);
    if (flags === undefined) return 0;
    const full = this.takeFull(barn);
    if (full !== 0) this.addEmpty(barn, empty);
    this.unlock(barn, flags);
    return full;
  }

  /** barn_replace_full_sheaf: an empty sheaf for a full one, or why not. */
  replaceFull(barn: BarnPtr, full: SheafPtr, maySpin: boolean): SheafPtr | Refusal {
    if (this.nrFull(barn) >= MAX_FULL_SHEAVES) return "E2BIG";
    if (this.nrEmpty(barn) === 0) return "ENOMEM";
    const flags = this.lock(barn, maySpin);
    if (flags === undefined) return "EBUSY";
    const empty = this.takeEmpty(barn);
    if (empty !== 0) this.addFull(barn, full);
    this.unlock(barn, flags);
    return empty === 0 ? "ENOMEM" : empty;
  }

  /** barn_get_empty_sheaf, or 0 */
  getEmpty(barn: BarnPtr, maySpin: boolean): SheafPtr {
    if (this.nrEmpty(barn) === 0) return 0;
    const flags = this.lock(barn, maySpin);
    if (flags === undefined) return 0;
    const empty = this.takeEmpty(barn);
    this.unlock(barn, flags);
    return empty;
  }

  /** barn_get_full_or_empty_sheaf, or 0 */
  getFullOrEmpty(barn: BarnPtr): SheafPtr {
    if (this.nrFull(barn) === 0 && this.nrEmpty(barn) === 0) return 0;
    const flags = spinLockIrqsave(this.memory, barn + Barn.lock);
    const sheaf = this.takeFull(barn) || this.takeEmpty(barn);
    this.unlock(barn, flags);
    return sheaf;
  }

  /** barn_put_empty_sheaf: whatever the limit says. */
  putEmpty(barn: BarnPtr, sheaf: SheafPtr): void {
    const flags = spinLockIrqsave(this.memory, barn + Barn.lock);
    this.addEmpty(barn, sheaf);
    this.unlock(barn, flags);
  }

  /** barn_put_full_sheaf: whatever the limit says. */
  putFull(barn: BarnPtr, sheaf: SheafPtr): void {
    const flags = spinLockIrqsave(this.memory, barn + Barn.lock);
    this.addFull(barn, sheaf);
    this.unlock(barn, flags);
  }

  /** The first half of barn_shrink: all sheaves, full ones first, each kind from its head. */
  takeAll(barn: BarnPtr): { full: SheafPtr[]; empty: SheafPtr[] } {
    const flags = spinLockIrqsave(this.memory, barn + Barn.lock);
    const full: SheafPtr[] = [];
    const empty: SheafPtr[] = [];
    for (let sheaf = this.takeFull(barn); sheaf !== 0; sheaf = this.takeFull(barn))
      full.push(sheaf);
    for (let sheaf = this.takeEmpty(barn); sheaf !== 0; sheaf = this.takeEmpty(barn)) {
      empty.push(sheaf);
    }
    this.unlock(barn, flags);
    return { full, empty };
  }

  /** The sheaves of one list, head first. The machine is quiet. */
  list(head: Address): SheafPtr[] {
    const found: SheafPtr[] = [];
    for (let at = listNext(this.memory, head); at !== head; at = listNext(this.memory, at)) {
      found.push(at - Sheaf.link);
    }
    return found;
  }

  protected lock(barn: BarnPtr, maySpin: boolean): IrqFlags | undefined {
    const { memory } = this;
    if (maySpin) return spinLockIrqsave(memory, barn + Barn.lock);
    const flags = memory.irqSave();
    if (spinTrylock(memory, barn + Barn.lock)) return flags;
    memory.irqRestore(flags);
    return undefined;
  }

  protected unlock(barn: BarnPtr, flags: IrqFlags): void {
    spinUnlockIrqrestore(this.memory, barn + Barn.lock, flags);
  }

  private addFull(barn: BarnPtr, sheaf: SheafPtr): void {
    listAdd(this.memory, sheaf + Sheaf.link, barn + Barn.full);
    this.count(barn + Barn.nrFull, 1);
  }

  private addEmpty(barn: BarnPtr, sheaf: SheafPtr): void {
    listAdd(this.memory, sheaf + Sheaf.link, barn + Barn.empty);
    this.count(barn + Barn.nrEmpty, 1);
  }

  private takeFull(barn: BarnPtr): SheafPtr {
    return this.take(barn + Barn.full, barn + Barn.nrFull);
  }

  private takeEmpty(barn: BarnPtr): SheafPtr {
    return this.take(barn + Barn.empty, barn + Barn.nrEmpty);
  }

  private take(head: Address, counter: Address): SheafPtr {
    const first = listNext(this.memory, head);
    if (first === head) return 0;
    listDel(this.memory, first);
    this.count(counter, -1);
    return first - Sheaf.link;
  }

  private count(counter: Address, n: number): void {
    this.memory.writeOnce(counter, this.memory.read32(counter) + n);
  }
}
