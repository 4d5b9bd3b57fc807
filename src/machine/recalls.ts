// SPDX-License-Identifier: MIT
/** How a task takes a CPU whose keeper is not inside: the right half of the picture in kept-lease.ts. */
import { holderIn, isKept, Task } from "./cpus.ts";
import { type LeaseAtomics, type LeasePlaces, leaseOf, taskWord } from "./lease-words.ts";

/** By then every store that a thread has made is visible to the others, in ms: ample. */
export const AWAY_MS = 1;

/** What has been seen of a CPU's keeper since it was recalled. */
interface Look {
  readonly lease: number;
  since: number;
  isAway: boolean;
}

export class Recalls {
  declare private readonly atomic: LeaseAtomics;
  declare private readonly places: LeasePlaces;
  declare private readonly clock: () => number;
  private readonly looks = new Map<number, Look>();

  /** `clock`: ms. */
  constructor(atomic: LeaseAtomics, places: LeasePlaces, clock: () => number) {
    this.atomic = atomic;
    this.places = places;
    this.clock = clock;
  }

  /** CPUs that were recalled and neither taken nor given up. */
  get pending(): readonly number[] {
    return [...this.looks.keys()];
  }

  get isPending(): boolean {
    return this.looks.size !== 0;
  }

  /** Nothing is wanted of the CPU any more. */
  forget(cpu: number): void {
    this.looks.delete(cpu);
  }

  /**
   * Recalls a kept CPU at first; tried again, takes it once its keeper has been away for long enough.
   * True: `task` holds the lease.
   */
  tryTake(task: number, cpu: number): boolean {
    const { atomic, places, looks } = this;
    const at = leaseOf(places, cpu);
    const lease = atomic.load(at);
    if (!isKept(lease)) {
      looks.delete(cpu);
      return false;
    }
    const keeper = holderIn(lease) - 1;
    const look = looks.get(cpu);
    if (look?.lease !== lease) {
      atomic.store(taskWord(places, keeper, Task.recalled), 1);
      looks.set(cpu, { lease, since: this.clock(), isAway: false });
      return false;
    }
    if (this.clock() - look.since < AWAY_MS) return false;
    const wasAway = look.isAway;
    look.isAway = atomic.load(taskWord(places, keeper, Task.inside)) === 0;
    look.since = this.clock();
    // Twice, a wait apart: by then all that the keeper stored before it left is visible as well.
    if (!wasAway || !look.isAway) return false;
    looks.delete(cpu);
    return atomic.cmpxchg(at, lease, task + 1) === lease;
  }
}
