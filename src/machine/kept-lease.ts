// SPDX-License-Identifier: MIT
/**
 * A task keeps its CPU between two calls, since taking and leaving one costs several times what an
 * allocation does. The keeper enters and leaves with plain stores and loads, no atomic instruction;
 * all the cost is with the task that wants the CPU (see recalls.ts).
 *
 *     keeper                               taker
 *     inside = 1                           recalled = 1
 *     recalled != 0? the slow path         wait until all that the keeper had stored is visible
 *     ... the call ...                     inside == 0, and a wait later still 0:
 *     inside = 0                             cmpxchg(lease, as kept -> taker)
 *     recalled != 0? the slow path
 *
 * A processor delays a store behind later loads, but for less than AWAY_MS (nanoseconds usually; a
 * thread that loses its core stores everything first). So after that wait either `inside` is seen, or
 * the keeper sees `recalled` at its next look. Its slow path swaps the lease from kept to held: one of
 * the two swaps fails. `recalled` is reset with a new tenure only, so a taker that is late finds
 * another lease than it has waited for. The fence-free asymmetric lock of Morrison and Afek, "Temporally
 * Bounding TSO for Fence-Free Asymmetric Synchronization", ASPLOS 2015.
 */
import { keptLease, Task } from "./cpus.ts";
import { type LeaseAtomics, type LeasePlaces, leaseOf, taskWord } from "./lease-words.ts";

export class KeptLease {
  /** The CPU that is kept, or -1. */
  cpu = -1;
  /** The lease as this task left it. */
  private lease = 0;
  /** For plain accesses. */
  declare private readonly words: Int32Array;
  declare private readonly atomic: LeaseAtomics;
  declare private readonly places: LeasePlaces;
  declare private readonly task: number;
  declare private readonly inside: number;
  declare private readonly recalled: number;
  declare private readonly tenure: number;
  declare private readonly never: number;
  /** `recalled` while a CPU is kept, else a word that is never 0. */
  declare private look: number;

  constructor(words: Int32Array, atomic: LeaseAtomics, places: LeasePlaces, task: number) {
    this.words = words;
    this.atomic = atomic;
    this.places = places;
    this.task = task;
    this.inside = taskWord(places, task, Task.inside);
    this.recalled = taskWord(places, task, Task.recalled);
    this.tenure = taskWord(places, task, Task.tenure);
    this.never = places.offCpu >> 2;
    this.look = this.never;
  }

  /**
   * Keeps `cpu`, whose lease this task holds; false where it was taken for dead and holds it no more.
   * With `look` the next `resume` fails.
   */
  keep(cpu: number, look: boolean): boolean {
    const { words, atomic } = this;
    const at = leaseOf(this.places, cpu);
    const tenure = (words[this.tenure] as number) + 1;
    words[this.tenure] = tenure;
    words[this.inside] = 0;
    atomic.store(this.recalled, look ? 1 : 0);
    this.lease = keptLease(this.task, tenure);
    // Behind the reset: a task that sees this lease recalls this tenure.
    if (atomic.cmpxchg(at, this.task + 1, this.lease) !== this.task + 1) return false;
    this.cpu = cpu;
    this.look = this.recalled;
    return true;
  }

  /** Enters; false where the CPU was recalled, or there is none. */
  resume(): boolean {
    const { words } = this;
    words[this.inside] = 1;
    if (words[this.look] === 0) return true;
    words[this.inside] = 0;
    return false;
  }

  /** Leaves; false where the CPU was recalled meanwhile, or none is kept any more. */
  rest(): boolean {
    const { words } = this;
    words[this.inside] = 0;
    return words[this.look] === 0;
  }

  /** The next look at the CPU is to take the slow path. By the keeper itself. */
  askToLook(): void {
    this.words[this.recalled] = 1;
  }

  /** From kept to held; false where another task has taken the CPU. It is no longer kept. */
  reclaim(): boolean {
    const at = leaseOf(this.places, this.cpu);
    this.cpu = -1;
    this.look = this.never;
    return this.atomic.cmpxchg(at, this.lease, this.task + 1) === this.lease;
  }
}
