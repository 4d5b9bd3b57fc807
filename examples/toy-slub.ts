/**
 * SLUB in two hundred lines, to learn from: docs/slub.md walks through it. What it leaves out is
 * what a first reader does not need: lists of partial slabs, pages that come and go, nodes, debugging.
 *
 *     a CPU:   freelist | tid     its private list of free objects, and a count of what happened to it
 *              slab               the slab those objects belong to, its cpu slab; 0: none
 *
 *     a slab:  freelist | frozen  objects that other CPUs gave back; frozen: it is some CPU's cpu slab
 *              object, object, …  the first word of a free object is the next free object
 *
 * A slab is in one of three states:
 *
 *   1. frozen: one CPU owns it. That CPU pops and pushes its private list; others only push on the
 *      slab's own list.
 *   2. partial: no CPU owns it and its list has objects. The CPU that sets `frozen` takes them all.
 *   3. full: no CPU owns it and its list is empty. The first free makes it partial.
 *
 * Every word lies in `memory` and a method keeps nothing between two calls. So the same text runs on
 * real threads (test/machine/toy.test.ts) and in the explorer (test/explore/toy.test.ts). The classes
 * at the end take one precaution out each.
 */
import { KernelBug } from "../src/machine/kernel-bug.ts";
import { type Address, type Memory, NULL } from "../src/machine/memory.ts";

/** Offsets in a CPU's words. freelist and tid are swapped as one. */
export const FREELIST = 0;
export const TID = 4;
export const SLAB = 8;
/** Bytes of a CPU's words: a cache line of its own. */
export const TOY_CPU_BYTES = 64;

/** Offsets in a slab. Its freelist and frozen are swapped as one; its objects follow. */
export const SLAB_FREELIST = 0;
export const SLAB_FROZEN = 4;
export const SLAB_HEADER = 8;
export const OBJECT_BYTES = 8;

/** tid counts in steps of the most CPUs there can be, so its low bits stay the CPU's number. */
const TID_STEP = 64;

export interface ToyPlaces {
  readonly cpus: number;
  /** Offset of the toy's words in each CPU's area, and address of the slabs: multiples of 8. */
  readonly cpu: Address;
  readonly slabs: Address;
  readonly slabCount: number;
  readonly objectsPerSlab: number;
}

/** A free object, and the slab on whose list it was found. */
export interface FreeObject {
  readonly object: Address;
  readonly slab: Address;
}

export class ToySlub {
  protected readonly memory: Memory;
  protected readonly places: ToyPlaces;

  constructor(memory: Memory, places: ToyPlaces) {
    this.memory = memory;
    this.places = places;
  }

  /** Run once: every slab is partial with all its objects free, and each tid starts as its CPU. */
  init(): void {
    const { memory, places } = this;
    for (let cpu = 0; cpu < places.cpus; cpu++) {
      memory.write32(memory.perCpuPtr(places.cpu + TID, cpu), cpu);
    }
    for (const slab of this.slabs()) {
      let next = NULL;
      for (let i = places.objectsPerSlab - 1; i >= 0; i--) {
        const object = slab + SLAB_HEADER + i * OBJECT_BYTES;
        memory.write32(object, next);
        next = object;
      }
      memory.write32(slab + SLAB_FREELIST, next);
    }
  }

  /** The fast path: pops the private list by one swap. 0 where no slab has a free object. */
  alloc(): Address {
    const { memory, places } = this;
    for (;;) {
      // tid first. Whatever happens on this CPU from here on moves tid, and the swap fails.
      const tid = memory.thisCpuRead(places.cpu + TID);
      const c = memory.thisCpuPtr(places.cpu);
      if (!this.sameCpu(c, tid)) continue;
      const object = memory.readOnce(c + FREELIST);
      if (object === NULL) return this.allocSlowly();
      // Another context may own the object by now and have written here; then the swap fails, too.
      const next = memory.readRacy(object);
      if (this.swap(object, tid, next)) return object;
    }
  }

  /** The fast path pushes on the private list; an object of another slab goes to that slab's list. */
  free(object: Address): void {
    const { memory, places } = this;
    const slab = this.slabOf(object);
    for (;;) {
      const tid = memory.thisCpuRead(places.cpu + TID);
      const c = memory.thisCpuPtr(places.cpu);
      if (!this.sameCpu(c, tid)) continue;
      if (memory.readOnce(c + SLAB) !== slab) {
        this.pushToSlab(slab, object);
        return;
      }
      const head = memory.readOnce(c + FREELIST);
      memory.write32(object, head);
      if (this.swap(head, tid, object)) return;
    }
  }

  /** This CPU gives its slab up. */
  flush(): void {
    const { memory } = this;
    const flags = memory.irqSave();
    const c = memory.thisCpuPtr(this.places.cpu);
    if (memory.read32(c + SLAB) !== NULL) this.deactivate(c);
    memory.irqRestore(flags);
  }

  /** The task may move to another CPU between two reads; tid and pointer must be of one CPU. */
  protected sameCpu(c: Address, tid: number): boolean {
    return this.memory.readOnce(c + TID) === tid;
  }

  /** Replaces the head of this CPU's list and moves tid, if neither has changed. */
  protected swap(head: Address, tid: number, newHead: Address): boolean {
    const at = this.places.cpu + FREELIST;
    return this.memory.thisCpuCmpxchgDouble(at, head, tid, newHead, (tid + TID_STEP) | 0);
  }

  /** The slow path. Interrupts are off, so nothing else runs on this CPU but where it says so. */
  private allocSlowly(): Address {
    const { memory, places } = this;
    const flags = memory.irqSave();
    let c = memory.thisCpuPtr(places.cpu);
    const slab = memory.read32(c + SLAB);
    // An interrupt may have freed to this list before interrupts were off: look again.
    let list = memory.read32(c + FREELIST);
    if (list === NULL && slab !== NULL) {
      list = this.takeRemoteFrees(slab);
      if (list === NULL) this.dropCpuSlab(c);
    }
    if (list === NULL) {
      // A real page allocator may sleep here: other contexts run, or this task changes its CPU.
      memory.irqEnable();
      list = this.acquireSlab();
      memory.irqDisable();
      c = memory.thisCpuPtr(places.cpu);
      if (list !== NULL) {
        if (memory.read32(c + SLAB) !== NULL) this.deactivate(c);
        memory.write32(c + SLAB, this.slabOf(list));
      }
    }
    if (list !== NULL) {
      memory.write32(c + FREELIST, memory.read32(list));
      this.moveTid(c);
    }
    memory.irqRestore(flags);
    return list;
  }

  /** Takes all that was freed to the frozen slab. If that is nothing, the same swap unfreezes it. */
  private takeRemoteFrees(slab: Address): Address {
    const { memory } = this;
    for (;;) {
      this.checkFrozen(slab);
      const list = memory.readOnce(slab + SLAB_FREELIST);
      if (memory.cmpxchgDouble(slab, list, 1, NULL, list === NULL ? 0 : 1)) return list;
    }
  }

  /** Freezes the first partial slab for this CPU and takes all its objects; the first, or 0. */
  private acquireSlab(): Address {
    const { memory } = this;
    for (const slab of this.slabs()) {
      for (;;) {
        const list = memory.readOnce(slab + SLAB_FREELIST);
        if (list === NULL || memory.readOnce(slab + SLAB_FROZEN) !== 0) break;
        // List and owner change as one, against frees and against other CPUs that want the slab.
        if (memory.cmpxchgDouble(slab, list, 0, NULL, 1)) return list;
      }
    }
    return NULL;
  }

  /** The private list goes back to the slab, then the slab is unfrozen. Interrupts are off. */
  private deactivate(c: Address): void {
    const { memory } = this;
    const slab = memory.read32(c + SLAB);
    let object = memory.read32(c + FREELIST);
    this.dropCpuSlab(c);
    for (let count = 0; object !== NULL; count++) {
      if (count === this.places.objectsPerSlab) {
        throw new KernelBug("list-corruption", `the list of slab ${slab} has no end`);
      }
      const next = memory.read32(object);
      this.pushToSlab(slab, object);
      object = next;
    }
    this.unfreeze(slab);
  }

  /** The CPU has no slab. A free that was interrupted after it compared the slab must notice. */
  protected dropCpuSlab(c: Address): void {
    this.memory.write32(c + SLAB, NULL);
    this.memory.write32(c + FREELIST, NULL);
    this.moveTid(c);
  }

  private moveTid(c: Address): void {
    this.memory.write32(c + TID, (this.memory.read32(c + TID) + TID_STEP) | 0);
  }

  /** Links the object first, then publishes it: a taker follows the link at once. */
  private pushToSlab(slab: Address, object: Address): void {
    const { memory } = this;
    for (;;) {
      const frozen = memory.readOnce(slab + SLAB_FROZEN);
      const head = memory.readOnce(slab + SLAB_FREELIST);
      memory.write32(object, head);
      if (memory.cmpxchgDouble(slab, head, frozen, object, frozen)) return;
    }
  }

  private unfreeze(slab: Address): void {
    const { memory } = this;
    for (;;) {
      this.checkFrozen(slab);
      const head = memory.readOnce(slab + SLAB_FREELIST);
      if (memory.cmpxchgDouble(slab, head, 1, head, 0)) return;
    }
  }

  private checkFrozen(slab: Address): void {
    if (this.memory.readOnce(slab + SLAB_FROZEN) !== 0) return;
    throw new KernelBug("wrong-slab", `slab ${slab} is a cpu slab and not frozen`);
  }

  slabOf(object: Address): Address {
    const { places } = this;
    return object - ((object - places.slabs) % toySlabBytes(places.objectsPerSlab));
  }

  slabs(): Address[] {
    const { slabs, slabCount, objectsPerSlab } = this.places;
    return Array.from({ length: slabCount }, (_, n) => slabs + n * toySlabBytes(objectsPerSlab));
  }

  /** All free objects of a quiet toy. Each must be there once; a list in a circle is cut short. */
  freeObjects(): FreeObject[] {
    const { memory, places } = this;
    const found: FreeObject[] = [];
    const most = places.slabCount * places.objectsPerSlab;
    const walk = (head: Address, slab: Address): void => {
      for (let object = head; object !== NULL && found.length <= most; ) {
        found.push({ object, slab });
        object = memory.read32(object);
      }
    };
    for (const slab of this.slabs()) walk(memory.read32(slab + SLAB_FREELIST), slab);
    for (let cpu = 0; cpu < places.cpus; cpu++) {
      const c = memory.perCpuPtr(places.cpu, cpu);
      walk(memory.read32(c + FREELIST), memory.read32(c + SLAB));
    }
    return found;
  }
}

export function toySlabBytes(objectsPerSlab: number): number {
  return SLAB_HEADER + objectsPerSlab * OBJECT_BYTES;
}

/** R07: the swap compares the head alone, so a list that has come back to it looks untouched. */
export class WithoutTid extends ToySlub {
  protected override swap(head: Address, _tid: number, newHead: Address): boolean {
    return this.memory.thisCpuCmpxchg(this.places.cpu + FREELIST, head, newHead) === head;
  }
}

/** R01: tid stays when the cpu slab is dropped, so a free pushes on a list that nobody owns. */
export class KeepsTid extends ToySlub {
  protected override dropCpuSlab(c: Address): void {
    this.memory.write32(c + SLAB, NULL);
    this.memory.write32(c + FREELIST, NULL);
  }
}

/** R06b: does not ask whether tid and pointer are of one CPU. */
export class TrustsTid extends ToySlub {
  protected override sameCpu(): boolean {
    return true;
  }
}
