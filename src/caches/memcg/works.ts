// SPDX-License-Identifier: GPL-2.0-only
/**
 * A work queue: what may not be done where it is found necessary is done later, by a task that holds no
 * lock and may sleep (kernel/workqueue.c). Any context queues; a task between two calls takes all
 * that waits.
 */
import type { FunctionTable } from "../../machine/functions.ts";
import type { Machine } from "../../machine/machine.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { ptr, struct, word } from "../../machine/struct.ts";

/** struct work_struct */
export const Work = struct("work_struct", { next: ptr, func: word });

const Queue = struct("workqueue", {
  /** Newest first. */
  head: ptr,
  /** Works that are queued, or being done. */
  underWay: word,
});

export class Works {
  declare private readonly memory: Memory;
  declare private readonly functions: FunctionTable;
  declare private readonly at: Address;
  /** Hears on this thread that there is work. */
  onQueued: () => void = () => undefined;

  constructor(machine: Machine) {
    this.memory = machine.memory;
    this.functions = machine.functions;
    this.at = machine.statics.allocate(Queue, "memcg works");
  }

  /** queue_work: `func`, by its number, is called with the work. */
  queue(work: Address, func: number): void {
    const { memory, at } = this;
    memory.write32(work + Work.func, func);
    memory.add(at + Queue.underWay, 1);
    for (;;) {
      const head = memory.readOnce(at + Queue.head);
      memory.writeOnce(work + Work.next, head);
      // Full barrier: a task that takes the work sees what it is.
      if (memory.cmpxchg(at + Queue.head, head, work) === head) break;
    }
    this.onQueued();
  }

  get areWaiting(): boolean {
    return this.memory.readOnce(this.at + Queue.head) !== 0;
  }

  get areUnderWay(): boolean {
    return this.memory.loadAcquire(this.at + Queue.underWay) !== 0;
  }

  /** Does all that waits, in the order in which it was queued. May sleep. */
  run(): void {
    const { memory, at } = this;
    const works: Address[] = [];
    let work = memory.xchg(at + Queue.head, 0);
    for (; work !== 0; work = memory.readOnce(work + Work.next)) works.unshift(work);
    for (const each of works) {
      // The function may free the work.
      this.functions.call(memory.read32(each + Work.func), each);
      // Full barrier: who sees that it is done sees what it did.
      memory.add(at + Queue.underWay, -1);
      memory.notify(at + Queue.underWay);
    }
  }

  /** Returns when a work that another task does is done, or a new one is queued. May sleep. */
  wait(): void {
    const { memory, at } = this;
    const underWay = memory.loadAcquire(at + Queue.underWay);
    if (underWay !== 0 && !this.areWaiting) memory.waitWhile(at + Queue.underWay, underWay);
  }
}
