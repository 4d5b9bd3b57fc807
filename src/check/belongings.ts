// SPDX-License-Identifier: GPL-2.0-only
/**
 * What a cache has of its own: its struct, its name, and the structs of its nodes. All of it goes with
 * the cache; an object that is forgotten would stay for ever, held by nobody that an audit knows.
 */
import { KmemCacheBase, type KmemCachePtr } from "../caches/kmem-cache.ts";
import type { System } from "../kernel/system.ts";
import { hex } from "../machine/hex.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import type { Ledger } from "./ledger.ts";

interface Belonging {
  readonly what: string;
  readonly object: Address;
  /** The ledger's event by which the cache got it. */
  readonly event: number;
}

export class Belongings {
  private readonly system: System;
  private readonly ledger: Ledger;
  private readonly s: KmemCachePtr;
  private readonly name: string;
  private readonly list: readonly Belonging[];

  /** Of a cache that is about to be destroyed. */
  constructor(system: System, ledger: Ledger, s: KmemCachePtr) {
    const { memory, machine, common } = system;
    this.system = system;
    this.ledger = ledger;
    this.s = s;
    this.name = common.nameOf(s);
    const nodes = Array.from({ length: machine.options.nodes }, (_, nid) => ({
      what: `struct of node ${nid}`,
      object: memory.read32(s + KmemCacheBase.node + (nid << 2)),
    }));
    const own = [
      { what: "struct", object: s },
      { what: "name", object: memory.read32(s + KmemCacheBase.name) },
      ...nodes,
    ];
    this.list = own
      .filter(({ object }) => object !== 0 && ledger.isLive(object))
      .map((one) => ({ ...one, event: ledger.eventOf(one.object) }));
  }

  /** The cache has been destroyed, unless it has other users. @throws KernelBug lost-object */
  checkGone(): void {
    // Its own word says it: on the list of caches other tasks may be at work.
    if (this.system.isCache(this.s)) return;
    const kept = this.list.find(({ object, event }) => this.ledger.eventOf(object) === event);
    if (kept === undefined) return;
    throw new KernelBug(
      "lost-object",
      `${this.name} is destroyed, but its ${kept.what} ${hex(kept.object)} is still allocated`,
    );
  }
}
