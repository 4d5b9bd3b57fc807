/** Threads that take pages, write to them, pass them to each other and give them back. */
import { PAGE_SIZE } from "../../../src/machine/machine.ts";
import { NUMA_NO_NODE } from "../../../src/machine/topology.ts";
import { TorturedMemory } from "../../../src/machine/tortured-memory.ts";
import { __GFP_COMP, __GFP_RECLAIMABLE, GFP_ATOMIC, GFP_KERNEL } from "../../../src/pages/gfp.ts";
import { Pages } from "../../../src/pages/pages.ts";
import { serveJobs, type Thread } from "../../machine/workers/thread.ts";

/** Slots in which blocks wait for the next thread: one word a slot, descriptor plus order. */
const SLOTS = 1024;
const SLOT_COUNT = 64;

class Hammer {
  private readonly thread: Thread<TorturedMemory>;
  private readonly pages: Pages;
  /** Pages that interrupts hold. */
  private readonly held: number[] = [];

  constructor(thread: Thread<TorturedMemory>) {
    this.thread = thread;
    this.pages = new Pages(thread.machine);
    thread.memory.onInterrupt = () => this.interrupt();
  }

  private interrupt(): void {
    if (this.held.length > 4) this.giveBack(this.held.shift() as number);
    else {
      const block = this.take(0, GFP_ATOMIC);
      if (block !== 0) this.held.push(block);
    }
  }

  /** A block whose every page was written with its own address; descriptor plus order, or 0. */
  private take(order: number, gfp: number): number {
    const page = this.pages.allocPages(gfp, order, NUMA_NO_NODE);
    if (page === 0) return 0;
    const at = this.pages.pageAddress(page);
    for (let i = 0; i < 1 << order; i++) {
      this.thread.memory.write32(at + i * PAGE_SIZE, at + i * PAGE_SIZE);
    }
    return page + order;
  }

  /** Checks that no other thread wrote to the block meanwhile, and frees it. */
  private giveBack(block: number): void {
    const { memory } = this.thread;
    const order = block & 15;
    const page = block - order;
    const at = this.pages.pageAddress(page);
    for (let i = 0; i < 1 << order; i++) {
      if (memory.read32(at + i * PAGE_SIZE) !== at + i * PAGE_SIZE) {
        throw new Error(`page ${at + i * PAGE_SIZE} belonged to another thread as well`);
      }
      memory.write32(at + i * PAGE_SIZE, 0);
    }
    this.pages.freePages(page, order);
  }

  run(): number {
    const { memory, scratch, argument } = this.thread;
    const draw = (below: number): number => (memory.random() >>> 8) % below;
    let refused = 0;
    memory.enterCpu(-1);
    for (let i = 0; i < argument; i++) {
      const order = draw(3) > 0 ? 0 : draw(6);
      const kinds = [GFP_KERNEL, GFP_ATOMIC, GFP_KERNEL | __GFP_COMP, __GFP_RECLAIMABLE];
      const fresh = draw(2) === 0 ? 0 : this.take(order, kinds[draw(4)] as number);
      if (fresh === 0) refused++;
      // Full barrier: the thread that takes the block out sees the bytes written into it.
      const found = memory.xchg(scratch + SLOTS + draw(SLOT_COUNT) * 4, fresh);
      if (found !== 0) this.giveBack(found);
      memory.poll();
    }
    memory.disable();
    while (this.held.length > 0) this.giveBack(this.held.pop() as number);
    memory.leaveCpu();
    this.thread.meet();
    if (this.thread.index === 0) this.emptySlots();
    return refused;
  }

  private emptySlots(): void {
    const { memory, scratch } = this.thread;
    memory.enterCpu(0);
    for (let i = 0; i < SLOT_COUNT; i++) {
      const found = memory.xchg(scratch + SLOTS + i * 4, 0);
      if (found !== 0) this.giveBack(found);
    }
    this.pages.drainAllPages();
    memory.leaveCpu();
  }
}

serveJobs<TorturedMemory>(
  {
    hammer: (thread) => new Hammer(thread).run(),
    tortured: (thread) => {
      const hammer = new Hammer(thread);
      thread.memory.torture(
        { interrupts: 0.005, migrations: 0.002, delays: 0.001 },
        thread.index + 1,
      );
      return hammer.run();
    },
  },
  TorturedMemory,
);
