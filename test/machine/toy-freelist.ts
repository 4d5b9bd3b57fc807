/**
 * The smallest allocator that has SLUB's problem: objects of one slab, a private list of one CPU
 * changed by one swap of (freelist, tid), and the slab's own list where other CPUs free. It is
 * correct; each of its broken brothers has one fix taken out.
 *
 *     per CPU    freelist | tid       the slab the CPU allocates from, 0 if it has dropped it
 *                slab
 *     a slab     freelist | frozen    where objects go whose slab is not this CPU's
 *
 * All words lie in the memory; a method is a function of what it reads there. Objects are one word:
 * the next free object.
 */
import { KernelBug } from "../../src/machine/kernel-bug.ts";
import { type Address, type Memory, NULL } from "../../src/machine/memory.ts";

/** Offsets in a CPU's area, from `cpu`. */
const FREELIST = 0;
const TID = 4;
const SLAB = 8;
/** Bytes that a toy needs of each CPU's area. */
export const TOY_CPU_BYTES = 64;

/** Offsets in a slab: its list and its owner mark are swapped as one, its objects follow. */
const SLAB_FREELIST = 0;
const SLAB_FROZEN = 4;
const SLAB_HEADER = 8;
const OBJECT_BYTES = 8;
/** tid counts in steps of the CPU limit, so that two CPUs never have the same one. */
const TID_STEP = 64;

export interface ToyPlaces {
  /** Offset of the toy's words in the per-CPU areas; a multiple of 8. */
  readonly cpu: Address;
  /** The slabs, one after the other; a multiple of 8. */
  readonly slabs: Address;
  readonly slabCount: number;
  readonly objectsPerSlab: number;
}

export function toySlabBytes(objectsPerSlab: number): number {
  return SLAB_HEADER + objectsPerSlab * OBJECT_BYTES;
}

export class ToySlab {
  protected readonly memory: Memory;
  protected readonly places: ToyPlaces;

  constructor(memory: Memory, places: ToyPlaces) {
    this.memory = memory;
    this.places = places;
  }

  /** Run once: every slab is full of free objects and nobody's; each CPU has its first tid. */
  init(cpus: number): void {
    const { memory, places } = this;
    for (let cpu = 0; cpu < cpus; cpu++) {
      memory.write32(memory.perCpuPtr(places.cpu + TID, cpu), cpu);
    }
    for (let n = 0; n < places.slabCount; n++) {
      const slab = this.slabAt(n);
      let next = NULL;
      for (let i = places.objectsPerSlab - 1; i >= 0; i--) {
        const object = slab + SLAB_HEADER + i * OBJECT_BYTES;
        memory.write32(object, next);
        next = object;
      }
      memory.write32(slab + SLAB_FREELIST, next);
    }
  }

  private slabAt(n: number): Address {
    return this.places.slabs + n * toySlabBytes(this.places.objectsPerSlab);
  }

  slabOf(object: Address): Address {
    const bytes = toySlabBytes(this.places.objectsPerSlab);
    return object - ((object - this.places.slabs) % bytes);
  }

  /** An object, or 0 when it finds none. */
  alloc(): Address {
    const { memory, places } = this;
    for (;;) {
      const c = memory.thisCpuPtr(places.cpu);
      // tid first: if anything happens on that CPU from here on, the swap below fails. It has the
      // CPU's number in it, so the swap fails as well if this task runs on another CPU by then.
      const tid = memory.readOnce(c + TID);
      const object = memory.readOnce(c + FREELIST);
      if (object === NULL) return this.refill();
      // The object may be somebody's by now; then what was read is never used.
      const next = memory.readRacy(object);
      if (this.swapCpu(object, tid, next)) return object;
    }
  }

  free(object: Address): void {
    const { memory, places } = this;
    const slab = this.slabOf(object);
    for (;;) {
      const c = memory.thisCpuPtr(places.cpu);
      const tid = memory.readOnce(c + TID);
      if (memory.readOnce(c + SLAB) !== slab) {
        this.pushToSlab(slab, object);
        return;
      }
      const freelist = memory.readOnce(c + FREELIST);
      memory.write32(object, freelist);
      if (this.swapCpu(freelist, tid, object)) return;
    }
  }

  /** This CPU keeps no slab. */
  flush(): void {
    const { memory } = this;
    const flags = memory.irqSave();
    const c = memory.thisCpuPtr(this.places.cpu);
    if (memory.read32(c + SLAB) !== NULL) this.dropCpuSlab(c);
    memory.irqRestore(flags);
  }

  /** One step for this CPU: the list only changes if nothing else has happened since tid was read. */
  protected swapCpu(freelist: Address, tid: number, next: Address): boolean {
    const bumped = (tid + TID_STEP) | 0;
    return this.memory.thisCpuCmpxchgDouble(
      this.places.cpu + FREELIST,
      freelist,
      tid,
      next,
      bumped,
    );
  }

  /** Drops the CPU's slab, which is used up, and takes another; returns one of its objects. */
  private refill(): Address {
    const { memory, places } = this;
    const flags = memory.irqSave();
    let c = memory.thisCpuPtr(places.cpu);
    let objects = memory.read32(c + FREELIST);
    if (objects === NULL) {
      if (memory.read32(c + SLAB) !== NULL) this.dropCpuSlab(c);
      memory.irqRestore(flags);
      // As in a page allocation that may sleep: anything may happen on this CPU meanwhile.
      objects = this.takeSlab();
      memory.irqSave();
      c = memory.thisCpuPtr(places.cpu);
      if (objects !== NULL) {
        if (memory.read32(c + SLAB) !== NULL) this.dropCpuSlab(c);
        memory.write32(c + SLAB, this.slabOf(objects));
      }
    }
    if (objects !== NULL) {
      memory.write32(c + FREELIST, memory.read32(objects));
      memory.write32(c + TID, (memory.read32(c + TID) + TID_STEP) | 0);
    }
    memory.irqRestore(flags);
    return objects;
  }

  /** deactivate_slab: what the CPU held goes back to the slab. Interrupts are off. */
  private dropCpuSlab(c: Address): void {
    const { memory } = this;
    const slab = memory.read32(c + SLAB);
    let object = memory.read32(c + FREELIST);
    memory.write32(c + SLAB, NULL);
    memory.write32(c + FREELIST, NULL);
    this.bumpDroppedTid(c);
    for (let i = 0; object !== NULL; i++) {
      if (i === this.places.objectsPerSlab) {
        throw new KernelBug("list-corruption", `the list of slab ${slab} has no end`);
      }
      const next = memory.read32(object);
      this.pushToSlab(slab, object);
      object = next;
    }
    this.thaw(slab);
  }

  /** Who had read tid before the slab was dropped must see that it was. */
  protected bumpDroppedTid(c: Address): void {
    const { memory } = this;
    memory.write32(c + TID, (memory.read32(c + TID) + TID_STEP) | 0);
  }

  /** Takes all objects of the first slab that has some and is no CPU's; the first, or 0. */
  private takeSlab(): Address {
    const { memory, places } = this;
    for (let n = 0; n < places.slabCount; n++) {
      const slab = this.slabAt(n);
      for (;;) {
        const objects = memory.readOnce(slab + SLAB_FREELIST);
        if (objects === NULL || memory.readOnce(slab + SLAB_FROZEN) !== 0) break;
        // List and owner change as one, against frees from elsewhere and others who take it.
        if (memory.cmpxchgDouble(slab, objects, 0, NULL, 1)) return objects;
      }
    }
    return NULL;
  }

  private pushToSlab(slab: Address, object: Address): void {
    const { memory } = this;
    for (;;) {
      const frozen = memory.readOnce(slab + SLAB_FROZEN);
      const freelist = memory.readOnce(slab + SLAB_FREELIST);
      memory.write32(object, freelist);
      if (memory.cmpxchgDouble(slab, freelist, frozen, object, frozen)) return;
    }
  }

  /** The slab is no CPU's any more; whoever finds objects in it may take it. */
  private thaw(slab: Address): void {
    const { memory } = this;
    for (;;) {
      if (memory.readOnce(slab + SLAB_FROZEN) === 0) {
        throw new KernelBug("wrong-slab", `slab ${slab} is no CPU's and was dropped by one`);
      }
      const freelist = memory.readOnce(slab + SLAB_FREELIST);
      if (memory.cmpxchgDouble(slab, freelist, 1, freelist, 0)) return;
    }
  }

  /** All free objects of a quiet toy: each must be there once. Stops at more than there can be. */
  freeObjects(cpus: number): Address[] {
    const { memory, places } = this;
    const found: Address[] = [];
    const most = places.slabCount * places.objectsPerSlab;
    const walk = (first: Address): void => {
      for (let at = first; at !== NULL && found.length <= most; at = memory.read32(at)) {
        found.push(at);
      }
    };
    for (let n = 0; n < places.slabCount; n++) walk(memory.read32(this.slabAt(n) + SLAB_FREELIST));
    for (let cpu = 0; cpu < cpus; cpu++) {
      walk(memory.read32(memory.perCpuPtr(places.cpu + FREELIST, cpu)));
    }
    return found;
  }
}

/** S01: the swap compares the list only, so a list that went away and came back goes unnoticed. */
export class ToySlabWithoutTid extends ToySlab {
  protected override swapCpu(freelist: Address, _tid: number, next: Address): boolean {
    const { memory, places } = this;
    return memory.thisCpuCmpxchg(places.cpu + FREELIST, freelist, next) === freelist;
  }
}

/** R01: tid stays when the slab is dropped, so an interrupted free pushes onto a list nobody owns. */
export class ToySlabKeepsTid extends ToySlab {
  protected override bumpDroppedTid(): void {
    // Nothing: who read tid before takes the CPU's slab for the one it was.
  }
}
