// SPDX-License-Identifier: MIT
/**
 * How a task waits for a word to change: it spins for a moment, then sleeps. A context that may sleep
 * leaves its CPU to another task meanwhile. A wait for a dead holder, for itself, or for longer than
 * the time limit is a deadlock.
 */

import { KernelBug } from "./kernel-bug.ts";
import type { Leases } from "./leases.ts";
import type { Address } from "./memory.ts";
import { NAP_MS, nap, napSince, Search } from "./nap.ts";
import { now, pause } from "./platform.ts";
import type { MachinePlaces } from "./running-context.ts";
import { RunningTask } from "./running-task.ts";
import { isGoneNow, type Tenancy } from "./tenancy.ts";
import { type Wait, Waits } from "./waits.ts";

/** How often the word is read before the task sleeps: about as long as a list_lock is held. */
const SPINS = 200;

/** How often a word is read that is about to become 0, and the longest pause in between, in pauses. */
const LOOKS = 40;
const LONGEST_PAUSE = 32;

export abstract class WaitingTask extends RunningTask {
  declare private readonly waits: Waits;

  constructor(words: Int32Array, places: MachinePlaces, leases: Leases, tenancy: Tenancy) {
    super(words, places, leases, tenancy);
    this.waits = new Waits(words, places, this.tasks);
  }

  waitWhile(address: Address, value: number, holder = 0): void {
    const { words } = this;
    const at = address >> 2;
    for (let i = 0; i < SPINS; i++) {
      if (Atomics.load(words, at) !== value) return;
      pause();
    }
    this.sleepWhile({ at: address, value, holder });
  }

  spinUntilZero(address: Address, tries: number): boolean {
    const { words } = this;
    const at = address >> 2;
    let pauses = Math.min(1 << tries, LONGEST_PAUSE);
    for (let look = 0; look < LOOKS; look++) {
      if (Atomics.load(words, at) === 0) return true;
      for (let i = 0; i < pauses; i++) pause();
      if (pauses < LONGEST_PAUSE) pauses <<= 1;
    }
    return false;
  }

  private sleepWhile(wait: Wait): void {
    const { words, waits } = this;
    const { value, holder } = wait;
    const at = wait.at >> 2;
    if (holder === this.task + 1) this.deadlock(`CPU ${this.cpu} waits for itself`);
    let waited = 0;
    const search = new Search();
    // A context that may sleep lets another task have its CPU meanwhile.
    const sleeps = this.onCpu && !this.irqsOff && this.preemptCount === 0;
    const was = this.cpu;
    if (sleeps) this.leaveCpu();
    while (Atomics.load(words, at) === value) {
      const start = now();
      // Each time: what it does for others below may wait as well.
      waits.begin(this.task, wait);
      nap(words, at, value, this.leases.napOf(NAP_MS));
      waited += napSince(start);
      this.checkHolder(wait);
      this.checkPanic();
      if (!sleeps && !this.irqsOff && this.onCpu) this.takeCalls();
      if (!this.irqsOff) this.serveRecalled();
      if (search.isDue(waited)) this.lookForTheDead(holder);
      if (waited > this.waitLimit && Atomics.load(words, at) === value) this.giveUp(wait);
    }
    waits.end(this.task);
    if (sleeps) this.enterCpuAgain(was);
  }

  private enterCpuAgain(was: number): void {
    const cpu = this.leases.acquire(this.task, was + 1, was, 0);
    if (cpu >= 0) this.become(cpu);
    else this.enterCpu(-1, this.waitLimit, true);
  }

  notify(address: Address): void {
    Atomics.notify(this.words, address >> 2);
  }

  private lookForTheDead(holder: number): void {
    // With interrupts off nothing may be done for others, and what a dead holder guarded stays cut.
    if (!this.irqsOff) this.buryTheDead();
    else if (holder > 0 && isGoneNow(this.words, this.places, holder - 1)) this.heldByDead(holder);
  }

  private checkHolder(wait: Wait): void {
    if (this.waits.freeSlot(wait)) this.notify(wait.at);
    const dead = this.waits.deadBehind(wait);
    if (dead !== 0) this.heldByDead(dead);
  }

  private giveUp(wait: Wait): never {
    const last = this.waits.last(wait);
    const { buriedHolder } = this.leases;
    if (last === 0 && buriedHolder > 0) this.heldByDead(buriedHolder);
    this.deadlock(`${this.tasks.nameOf(last)} did not let go`);
  }

  private heldByDead(holder: number): never {
    this.deadlock(`held by dead ${this.tasks.nameOf(holder)}`);
  }

  private deadlock(why: string): never {
    this.panic();
    throw new KernelBug("deadlock", `deadlock: ${why}`);
  }
}
