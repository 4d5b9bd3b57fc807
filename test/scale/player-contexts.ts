/** A measurement's place in one thread: a bare machine, and an allocator that only counts. */

import { MIB } from "../../src/kernel/kernel.ts";
import { createMachine, directMemory, Machine } from "../../src/machine/machine.ts";
import { Random } from "../../stress/random.ts";
import { ScaleControl, scaleControlBytes } from "../../stress/scaling/control.ts";
import { Exchange } from "../../stress/scaling/exchange.ts";
import type { Subject } from "../../stress/scaling/subject.ts";
import type { PlayerContext } from "../../stress/scaling/workload.ts";

export function controlOf(cpus: number): ScaleControl {
  const checker = scaleControlBytes(cpus);
  const machine = createMachine({
    ...{ cpus, nodes: 1, memory: 16 * MIB, tasks: cpus },
    ...{ checker, atomics: "wasm", seed: 1 },
  });
  return new ScaleControl(new Machine(directMemory(machine), machine.options), cpus);
}

export function contextOf(
  subject: Subject<number>,
  control: ScaleControl,
  cpu = 0,
): PlayerContext<number> {
  const exchange = new Exchange<number>(control, cpu, undefined);
  const random = new Random(1, cpu);
  return { subject, exchange, random, cpu, cpus: control.cpus, size: 64 };
}

/** Numbers its objects and knows which are held. */
export class CountingSubject implements Subject<number> {
  readonly held = new Set<number>();
  allocated = 0;
  freedUnheld = 0;
  readonly sizes = new Set<number>();

  alloc(size: number): number {
    this.sizes.add(size);
    this.held.add(++this.allocated);
    return this.allocated;
  }

  free(object: number): void {
    if (!this.held.delete(object)) this.freedUnheld++;
  }

  allocBulk(size: number, count: number, objects: number[]): void {
    for (let i = 0; i < count; i++) objects[i] = this.alloc(size);
  }

  freeBulk(count: number, objects: number[]): void {
    for (let i = 0; i < count; i++) this.free(objects[i] as number);
  }

  touch(object: number): void {
    if (!this.held.has(object)) this.freedUnheld++;
  }

  run<T>(work: () => T): T {
    return work();
  }
}
