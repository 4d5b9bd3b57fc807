/**
 * A toy in the shape of SLUB, for tests of the explorer: on each CPU a slab with a private list and a
 * tid, one list for frees from elsewhere, and a page allocator that is called with interrupts on.
 * Bugs are subclasses that take one thing out.
 */
import type { ExploredMemory } from "../../src/explore/explored-memory.ts";
import { type Described, exploredMemory, smallMachine } from "../../src/explore/world.ts";
import { KernelBug } from "../../src/machine/kernel-bug.ts";
import type { Address } from "../../src/machine/memory.ts";
import { spinLock, spinUnlock } from "../../src/machine/spinlock.ts";

const FREELIST = 64;
const TID = FREELIST + 4;
const PAGE = FREELIST + 8;

const PAGES = 8;
const PAGE_BYTES = 64;
/** Of a page: the list of objects freed from elsewhere; then its objects, 8 bytes each. */
const REMOTE = 0;
const FIRST_OBJECT = 8;
const OBJECT = 8;

export class ToySlab {
  readonly memory: ExploredMemory;
  readonly objectsPerPage: number;
  private readonly lock: Address;
  private readonly nextPage: Address;
  private readonly pages: Address;
  private readonly ledger: Address;

  constructor(cpus: number, objectsPerPage: number) {
    const memory = exploredMemory(smallMachine(cpus, { checker: 4096 }));
    this.memory = memory;
    this.objectsPerPage = objectsPerPage;
    this.lock = memory.layout.free;
    this.nextPage = this.lock + 64;
    this.pages = this.lock + 128;
    this.ledger = memory.layout.end;
    for (let cpu = 0; cpu < cpus; cpu++) memory.write32(memory.perCpuPtr(TID, cpu), cpu);
  }

  alloc(): Address {
    const { memory } = this;
    let object = 0;
    for (;;) {
      const tid = memory.thisCpuRead(TID);
      const c = memory.thisCpuPtr(0);
      if (!this.tidsAgree(c, tid)) continue;
      object = memory.readOnce(c + FREELIST);
      if (object === 0) {
        object = this.allocSlowly();
        break;
      }
      if (this.swap(object, tid, memory.readRacy(object))) break;
    }
    if (object !== 0) this.take(object);
    return object;
  }

  free(object: Address): void {
    const { memory } = this;
    this.giveBack(object);
    const page = this.pageOf(object);
    for (;;) {
      const tid = memory.thisCpuRead(TID);
      const c = memory.thisCpuPtr(0);
      if (!this.tidsAgree(c, tid)) continue;
      if (memory.readOnce(c + PAGE) !== page) {
        this.freeRemotely(page, object);
        return;
      }
      const head = memory.readOnce(c + FREELIST);
      memory.write32(object, head);
      if (this.swap(head, tid, object)) return;
    }
  }

  protected tidsAgree(c: Address, tid: number): boolean {
    return this.memory.readOnce(c + TID) === tid;
  }

  protected swap(head: Address, tid: number, newHead: Address): boolean {
    return this.memory.thisCpuCmpxchgDouble(FREELIST, head, tid, newHead, tid + 4);
  }

  private allocSlowly(): Address {
    const { memory } = this;
    const flags = memory.irqSave();
    let c = memory.thisCpuPtr(0);
    let list = memory.readOnce(c + FREELIST);
    const page = memory.readOnce(c + PAGE);
    if (list === 0 && page !== 0) list = memory.xchg(page + REMOTE, 0);
    if (list === 0) {
      if (page !== 0) this.dropPage(c);
      memory.irqEnable();
      const fresh = this.newPage();
      memory.irqDisable();
      c = memory.thisCpuPtr(0);
      this.flush(c);
      if (fresh !== 0) memory.writeOnce(c + PAGE, fresh);
      list = fresh === 0 ? 0 : fresh + FIRST_OBJECT;
    }
    if (list !== 0) memory.writeOnce(c + FREELIST, memory.read32(list));
    this.bumpTid(c);
    memory.irqRestore(flags);
    return list;
  }

  protected bumpTid(c: Address): void {
    this.memory.writeOnce(c + TID, this.memory.readOnce(c + TID) + 4);
  }

  /** The cpu slab is used up; whoever compared it before must notice. */
  protected dropPage(c: Address): void {
    this.memory.writeOnce(c + PAGE, 0);
    this.bumpTid(c);
  }

  /** What somebody else has installed meanwhile goes back to its page. */
  private flush(c: Address): void {
    const { memory } = this;
    const page = memory.readOnce(c + PAGE);
    if (page === 0) return;
    for (let object = memory.readOnce(c + FREELIST); object !== 0; ) {
      const next = memory.read32(object);
      this.freeRemotely(page, object);
      object = next;
    }
    memory.writeOnce(c + FREELIST, 0);
  }

  private newPage(): Address {
    const { memory } = this;
    spinLock(memory, this.lock);
    const number = memory.read32(this.nextPage);
    if (number < PAGES) memory.write32(this.nextPage, number + 1);
    spinUnlock(memory, this.lock);
    if (number >= PAGES) return 0;
    const page = this.pages + number * PAGE_BYTES;
    for (let i = 0; i < this.objectsPerPage; i++) {
      const object = page + FIRST_OBJECT + i * OBJECT;
      memory.write32(object, i + 1 < this.objectsPerPage ? object + OBJECT : 0);
    }
    return page;
  }

  private freeRemotely(page: Address, object: Address): void {
    const { memory } = this;
    for (;;) {
      const head = memory.readOnce(page + REMOTE);
      memory.write32(object, head);
      if (memory.cmpxchg(page + REMOTE, head, object) === head) return;
    }
  }

  pageOf(object: Address): Address {
    return this.pages + Math.floor((object - this.pages) / PAGE_BYTES) * PAGE_BYTES;
  }

  // ---- ledger and audit ----

  private entry(object: Address): Address {
    return this.ledger + ((object - this.pages) >> 1);
  }

  private take(object: Address): void {
    if (this.memory.cmpxchg(this.entry(object), 0, 1) === 0) return;
    throw new KernelBug("double-allocation", `object ${object} is handed out twice`);
  }

  private giveBack(object: Address): void {
    if (this.memory.cmpxchg(this.entry(object), 1, 0) === 1) return;
    throw new KernelBug("double-free", `object ${object} is given back twice`);
  }

  /** Everything is quiet: each object in exactly one place, and on its own slab's list. */
  audit(): void {
    const { memory } = this;
    let listed = 0;
    const walk = (head: Address, page: Address): void => {
      for (let object = head; object !== 0; object = memory.read32(object)) {
        if (++listed > 1000) throw new KernelBug("list-corruption", "a list has no end");
        if (memory.read32(this.entry(object)) !== 0) {
          throw new KernelBug("double-allocation", `object ${object} is in use and on a list`);
        }
        if (this.pageOf(object) === page) continue;
        throw new KernelBug("wrong-slab", `object ${object} is on the list of slab ${page}`);
      }
    };
    for (let cpu = 0; cpu < memory.cpus; cpu++) {
      const c = memory.perCpuPtr(0, cpu);
      walk(memory.read32(c + FREELIST), memory.read32(c + PAGE));
    }
    const pages = memory.read32(this.nextPage);
    let live = 0;
    for (let i = 0; i < pages; i++) {
      const page = this.pages + i * PAGE_BYTES;
      walk(memory.read32(page + REMOTE), page);
      for (let o = 0; o < this.objectsPerPage; o++) {
        live += memory.read32(this.entry(page + FIRST_OBJECT + o * OBJECT));
      }
    }
    if (listed + live === pages * this.objectsPerPage) return;
    throw new KernelBug("lost-object", `${listed} free, ${live} live, of ${pages} slabs`);
  }

  describe = (address: Address): Described => {
    const { memory } = this;
    const { percpuStart, percpuStride, percpuEnd } = memory.layout;
    if (address >= percpuStart && address < percpuEnd) {
      const offset = (address - percpuStart) % percpuStride;
      const cpu = Math.floor((address - percpuStart) / percpuStride);
      const field = { [FREELIST]: "freelist", [TID]: "tid", [PAGE]: "page" }[offset] ?? "area";
      return { name: `cpu ${cpu}: ${field}`, field: `cpu.${field}` };
    }
    if (address >= this.ledger) return { name: `ledger of ${address}`, field: "ledger" };
    if (address >= this.pages && address < this.pages + PAGES * PAGE_BYTES) {
      const page = (this.pageOf(address) - this.pages) / PAGE_BYTES;
      const object = (address - this.pages) % PAGE_BYTES;
      if (object < FIRST_OBJECT) return { name: `page ${page}.remote`, field: "page.remote" };
      return { name: `page ${page} object ${(object - 8) / OBJECT}`, field: "object.next" };
    }
    if (address === this.lock) return { name: "pages.lock", field: "pages.lock" };
    return { name: `0x${address.toString(16)}`, field: "other" };
  };
}

/** S01: compares the head only, so a list that has come back to it looks untouched. */
export class WithoutTid extends ToySlab {
  protected override swap(head: Address, _tid: number, newHead: Address): boolean {
    return this.memory.thisCpuCmpxchg(FREELIST, head, newHead) === head;
  }
}

/** R01: drops the cpu slab without a new tid. */
export class DropsQuietly extends ToySlab {
  protected override dropPage(c: Address): void {
    this.memory.writeOnce(c + PAGE, 0);
  }
}

/** S04, R06b: does not check that tid and pointer are of one CPU. */
export class TrustsTid extends ToySlab {
  protected override tidsAgree(): boolean {
    return true;
  }
}
