/** What a page and its workers do with a pool: allocate, mark, check and free, for a number of turns. */
import { type Kernel, systemOf } from "../../../src/kernel/kernel.ts";
import type { Address } from "../../../src/machine/memory.ts";

const HELD = 60;

export class Churn {
  rounds = 0;
  private readonly kernel: Kernel;
  private readonly mark: number;
  private readonly held: Address[] = [];

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.mark = (kernel.task + 1) << 20;
  }

  /** @throws Error where an object was overwritten */
  turn(): void {
    const { memory } = systemOf(this.kernel);
    const i = this.rounds++ % HELD;
    this.give(i);
    const object = this.kernel.kmalloc(32 + ((this.rounds * 7) % 700));
    if (object === 0) return;
    memory.write32(object + 28, this.mark + i);
    this.held[i] = object;
  }

  private give(i: number): void {
    const object = this.held[i];
    if (object === undefined) return;
    const found = systemOf(this.kernel).memory.read32(object + 28);
    if (found !== this.mark + i) throw new Error(`${object} was overwritten: ${found}`);
    this.kernel.kfree(object);
    delete this.held[i];
  }

  finish(): number {
    for (const i of this.held.keys()) this.give(i);
    return this.rounds;
  }
}
