// SPDX-License-Identifier: GPL-2.0-only
/**
 * Memory groups while the tasks of a run allocate: they are made, some below others, filled by whatever
 * a task does in them, and killed with objects left in them.
 */
import type { Groups, MemCgroupPtr } from "../src/caches/memcg/groups.ts";
import { type Kernel, systemOf } from "../src/kernel/kernel.ts";
import type { StressControl } from "./control.ts";
import type { Random } from "./random.ts";

/** Pages; a group with few of them is at its limit most of the time. */
const LIMITS = [4, 32, 256, 4096];
const KILL = 0.05;
const BELOW = 0.3;

export class GroupLife {
  private readonly groups: Groups;
  private readonly kernel: Kernel;
  private readonly control: StressControl;
  private readonly slots: number;
  private readonly random: Random;
  made = 0;
  killed = 0;

  /** `slots`: how many groups there are at most, but for those below which others are. */
  constructor(kernel: Kernel, control: StressControl, slots: number, random: Random) {
    this.kernel = kernel;
    this.groups = systemOf(kernel).common.groups as Groups;
    this.control = control;
    this.slots = slots;
    this.random = random;
  }

  /** A step of the workload, in a group or in none. */
  step(act: () => void): void {
    const { groups, random, slots } = this;
    const slot = random.below(slots);
    if (random.chance(KILL)) this.kill(slot);
    const isIn = this.enter(slot) || this.make(slot);
    act();
    if (isIn) groups.enter(0);
  }

  /** In the section no grace period ends, so a group that is found is not yet freed. */
  private enter(slot: number): boolean {
    const { kernel, control } = this;
    kernel.rcuReadLock();
    const group = control.groupIn(slot);
    const isIn = group !== 0 && this.groups.enter(group);
    kernel.rcuReadUnlock();
    return isIn;
  }

  /** A new group, which the task is in from here on. */
  private make(slot: number): boolean {
    const { groups, random } = this;
    const above = random.chance(BELOW) && this.enter(random.below(this.slots)) ? groups.current : 0;
    const limit = LIMITS[random.below(LIMITS.length)] as number;
    const group = groups.create(`slot${slot}`, limit, above);
    groups.enter(group);
    if (group !== 0) this.made++;
    // Where another task was faster it is killed, too, once the task has left it.
    if (group !== 0) this.control.putGroup(slot, group);
    return group !== 0;
  }

  private kill(slot: number): void {
    const group = this.control.takeGroup(slot);
    if (group === 0) return;
    if (this.groups.kill(group) === 0) this.killed++;
    else this.control.putGroup(slot, group);
  }
}

/** Kills all groups, those below others first. No task is in one. How many there were. */
export function killAll(groups: Groups): number {
  const killed = (group: MemCgroupPtr): boolean =>
    groups.isOnline(group) && groups.kill(group) === 0;
  let count = 0;
  for (let more = -1; more !== 0; count += more) more = groups.all().filter(killed).length;
  return count + 1;
}
