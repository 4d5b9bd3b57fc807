// SPDX-License-Identifier: GPL-2.0-only
/**
 * The quarantine (mm/kasan/quarantine.c): freed objects wait here, out of use, so that an access to one
 * meets a shadow that still says so. They are the allocator's only when they leave it.
 *
 * Each CPU has a list; when that has 1 MiB, or half of its share of the quarantine on a machine with
 * little memory, all of it moves on to a ring of batches under
 * quarantine_lock. Allocations that may sleep give the oldest batch back when the ring has more than a
 * share of the memory. Lists are linked through the objects' free meta. A CPU's list is its own, with
 * interrupts off.
 */
import type { Machine } from "../../machine/machine.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { lock, spinLockIrqsave, spinUnlockIrqrestore } from "../../machine/spinlock.ts";
import { embed, sizeOf, struct, word } from "../../machine/struct.ts";
import { MIB } from "../../machine/units.ts";
import { Page } from "../../pages/page.ts";
import { KmemCacheBase, type KmemCachePtr } from "../kmem-cache.ts";
import type { SlabCommon } from "../slab-common.ts";
import { freeMetaOf, kasanInfoOf } from "./layout.ts";

/** QUARANTINE_FRACTION, QUARANTINE_BATCHES, QUARANTINE_PERCPU_SIZE */
const FRACTION = 32;
const BATCHES = 1024;
const MOST_OF_CPU = MIB;

/** Objects, linked from the oldest to the newest. */
const QList = struct("qlist", { head: word, tail: word, bytes: word });

const QListOfCpu = struct("cpu_quarantine", {
  list: embed(QList),
  /** What another CPU has asked for, because the cache goes. */
  wanted: embed(QList),
});

const QuarantineState = struct("quarantine", {
  lock,
  /** Batches [head, tail) of the ring are full, the one at tail is being filled. */
  head: word,
  tail: word,
  size: word,
  maxSize: word,
  batchSize: word,
  /** Contexts that have a batch in their hands. */
  reducing: word,
});

export interface QuarantineLimits {
  readonly batches: number;
  /** Bytes that may wait, those on the CPUs' lists included. */
  readonly bytes: number;
  /** Bytes that may wait on a CPU's list. */
  readonly ofCpu: number;
}

/** The class in the table that an allocator with KASAN is made of. */
export interface QuarantineParts {
  Quarantine: typeof Quarantine;
}

export class Quarantine {
  declare private readonly common: SlabCommon;
  declare private readonly memory: Memory;
  declare private readonly at: Address;
  declare private readonly batches: Address;
  declare private readonly percpu: Address;
  /** Gives an object back to the allocator, which has no more questions. */
  declare private readonly giveBack: (s: KmemCachePtr, object: Address) => void;
  /** Number of the inter-processor call that gives up what this CPU has of a cache. */
  declare private readonly hand: number;

  declare private readonly limits: QuarantineLimits;

  constructor(common: SlabCommon, giveBack: (s: KmemCachePtr, object: Address) => void) {
    const { machine } = common;
    const { memory, functions, statics, percpu } = machine;
    this.common = common;
    this.memory = memory;
    this.limits = this.limitsOf(machine);
    this.at = statics.allocate(QuarantineState, "quarantine");
    this.batches = statics.words((this.limits.batches * sizeOf(QList)) / 4, "global_quarantine");
    this.percpu = percpu.define(sizeOf(QListOfCpu));
    this.giveBack = giveBack;
    this.hand = functions.register((s) => this.handOver(s));
  }

  protected limitsOf({ options }: Machine): QuarantineLimits {
    const bytes = Math.floor(options.memory / FRACTION);
    const ofCpu = Math.min(MOST_OF_CPU, Math.floor(bytes / (2 * options.cpus)));
    return { batches: BATCHES, bytes, ofCpu };
  }

  /** Bytes of objects that wait, those on the CPUs' lists included. */
  get bytes(): number {
    const { cpus } = this.common.machine.options;
    let bytes = this.memory.readOnce(this.at + QuarantineState.size);
    for (let cpu = 0; cpu < cpus; cpu++) {
      bytes += this.memory.readOnce(this.ofCpu(cpu) + QListOfCpu.list + QList.bytes);
    }
    return bytes;
  }

  private ofCpu(cpu: number): Address {
    return this.memory.perCpuPtr(this.percpu, cpu);
  }

  private batch(number: number): Address {
    return this.batches + number * sizeOf(QList);
  }

  private linkOf(object: Address): Address {
    return freeMetaOf(kasanInfoOf(this.memory, this.cacheOf(object)), object);
  }

  private cacheOf(object: Address): KmemCachePtr {
    return this.memory.read32(this.common.pages.virtToHeadPage(object) + Page.slabCache);
  }

  private bytesOf(object: Address): number {
    return this.memory.read32(this.cacheOf(object) + KmemCacheBase.size);
  }

  // ---- lists ----

  private append(list: Address, object: Address): void {
    const { memory } = this;
    const tail = memory.read32(list + QList.tail);
    memory.write32(this.linkOf(object), 0);
    memory.write32(tail === 0 ? list + QList.head : this.linkOf(tail), object);
    memory.write32(list + QList.tail, object);
    memory.write32(list + QList.bytes, memory.read32(list + QList.bytes) + this.bytesOf(object));
  }

  /** qlist_move_all */
  private moveAll(from: Address, to: Address): void {
    const { memory } = this;
    const head = memory.read32(from + QList.head);
    if (head === 0) return;
    const tail = memory.read32(to + QList.tail);
    memory.write32(tail === 0 ? to + QList.head : this.linkOf(tail), head);
    memory.write32(to + QList.tail, memory.read32(from + QList.tail));
    const bytes = memory.read32(from + QList.bytes);
    memory.write32(to + QList.bytes, memory.read32(to + QList.bytes) + bytes);
    this.clear(from);
  }

  private clear(list: Address): void {
    this.memory.fill(list, 0, sizeOf(QList));
  }

  private objectsOf(list: Address): Address[] {
    const objects: Address[] = [];
    let object = this.memory.read32(list + QList.head);
    for (; object !== 0; object = this.memory.read32(this.linkOf(object))) objects.push(object);
    return objects;
  }

  /** The list is empty afterwards. The caller alone can reach it. */
  private takeAll(list: Address): Address[] {
    const objects = this.objectsOf(list);
    this.clear(list);
    return objects;
  }

  /** qlist_move_cache: the objects of one cache leave the list. */
  private takeCache(list: Address, s: KmemCachePtr): Address[] {
    const all = this.takeAll(list);
    for (const object of all) if (this.cacheOf(object) !== s) this.append(list, object);
    return all.filter((object) => this.cacheOf(object) === s);
  }

  private freeAll(objects: readonly Address[]): void {
    for (const object of objects) this.giveBack(this.cacheOf(object), object);
  }

  // ---- in and out ----

  /** kasan_quarantine_put: the object has a free meta, and nobody but the caller. */
  put(object: Address): void {
    const { memory } = this;
    const flags = memory.irqSave();
    const list = memory.thisCpuPtr(this.percpu) + QListOfCpu.list;
    this.append(list, object);
    if (memory.read32(list + QList.bytes) > this.limits.ofCpu) this.moveOn(list);
    memory.irqRestore(flags);
  }

  /** What a CPU has goes to the ring, whose last batch is begun anew when it is large enough. */
  private moveOn(list: Address): void {
    const { memory, at } = this;
    const flags = spinLockIrqsave(memory, at + QuarantineState.lock);
    const size = memory.read32(at + QuarantineState.size) + memory.read32(list + QList.bytes);
    memory.writeOnce(at + QuarantineState.size, size);
    const tail = memory.read32(at + QuarantineState.tail);
    this.moveAll(list, this.batch(tail));
    const isFull =
      memory.read32(this.batch(tail) + QList.bytes) >=
      memory.read32(at + QuarantineState.batchSize);
    const next = (tail + 1) % this.limits.batches;
    if (isFull && next !== memory.read32(at + QuarantineState.head)) {
      memory.write32(at + QuarantineState.tail, next);
    }
    spinUnlockIrqrestore(memory, at + QuarantineState.lock, flags);
  }

  /** kasan_quarantine_reduce: the oldest batch goes back, where more wait than should. May sleep. */
  reduce(): void {
    const { memory, at } = this;
    if (memory.readOnce(at + QuarantineState.size) <= memory.readOnce(at + QuarantineState.maxSize))
      return;
    // Full barrier: a context that waits for batches to be back sees this one, or the batch is seen by it.
    memory.add(at + QuarantineState.reducing, 1);
    const flags = spinLockIrqsave(memory, at + QuarantineState.lock);
    this.setLimits();
    let objects: Address[] = [];
    if (memory.read32(at + QuarantineState.size) > memory.read32(at + QuarantineState.maxSize)) {
      const head = memory.read32(at + QuarantineState.head);
      const bytes = memory.read32(this.batch(head) + QList.bytes);
      objects = this.takeAll(this.batch(head));
      memory.writeOnce(at + QuarantineState.size, memory.read32(at + QuarantineState.size) - bytes);
      if (head !== memory.read32(at + QuarantineState.tail)) {
        memory.write32(at + QuarantineState.head, (head + 1) % this.limits.batches);
      }
    }
    spinUnlockIrqrestore(memory, at + QuarantineState.lock, flags);
    this.freeAll(objects);
    memory.add(at + QuarantineState.reducing, -1);
    memory.notify(at + QuarantineState.reducing);
  }

  /** The quarantine may have a share of the memory; the CPUs' lists count as full. */
  private setLimits(): void {
    const { memory, at } = this;
    const { batches, bytes, ofCpu } = this.limits;
    const ofCpus = this.common.machine.presence.online().length * ofCpu;
    memory.writeOnce(at + QuarantineState.maxSize, Math.max(0, bytes - ofCpus));
    const batch = Math.max(ofCpu, Math.floor((2 * bytes) / batches));
    memory.writeOnce(at + QuarantineState.batchSize, batch);
  }

  // ---- caches and CPUs that go ----

  /** per_cpu_remove_cache, on a CPU with interrupts off. */
  private handOver(s: KmemCachePtr): void {
    const cpu = this.memory.thisCpuPtr(this.percpu);
    for (const object of this.takeCache(cpu + QListOfCpu.list, s)) {
      this.append(cpu + QListOfCpu.wanted, object);
    }
  }

  /**
   * kasan_quarantine_remove_cache: no object of the cache waits any more when this returns. With
   * slab_mutex, so that one context at a time asks the CPUs. May sleep.
   */
  removeCache(s: KmemCachePtr): void {
    const { memory, at } = this;
    const { machine } = this.common;
    machine.calls.callOnEach(() => true, this.hand, s);
    for (let cpu = 0; cpu < machine.options.cpus; cpu++) {
      this.freeAll(this.takeAll(this.ofCpu(cpu) + QListOfCpu.wanted));
    }
    for (let number = 0; number < this.limits.batches; number++) {
      // data_race: an object of the cache that comes now has been freed beside its cache's end.
      if (memory.readRacy(this.batch(number) + QList.head) === 0) continue;
      const flags = spinLockIrqsave(memory, at + QuarantineState.lock);
      const before = memory.read32(this.batch(number) + QList.bytes);
      const objects = this.takeCache(this.batch(number), s);
      const gone = before - memory.read32(this.batch(number) + QList.bytes);
      memory.writeOnce(at + QuarantineState.size, memory.read32(at + QuarantineState.size) - gone);
      spinUnlockIrqrestore(memory, at + QuarantineState.lock, flags);
      this.freeAll(objects);
    }
    this.waitForReducing();
  }

  /** synchronize_srcu: objects of the cache may still be in the hands of others. */
  protected waitForReducing(): void {
    const { memory, at } = this;
    const reducing = at + QuarantineState.reducing;
    for (let found = memory.loadAcquire(reducing); found !== 0; ) {
      memory.waitWhile(reducing, found);
      found = memory.loadAcquire(reducing);
    }
  }

  /** kasan_cpu_offline: the CPU is gone, and what waited there is free. */
  deadCpu(cpu: number): void {
    this.freeAll(this.takeAll(this.ofCpu(cpu) + QListOfCpu.list));
  }
}
