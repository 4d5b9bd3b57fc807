// SPDX-License-Identifier: GPL-2.0-only
/**
 * A server's threads (Larson and Krishnan 1998): each holds an array of objects and replaces one at
 * random, over and over; now and then it hands all of them to the next thread and goes on with what
 * it has been handed.
 */
import type { Driver } from "../driver.ts";
import type { Player, Workload } from "./workload.ts";

const SLOTS = 500;
const STEP = 64;
const LEAST = 16;
const MOST = 1024;
/** Chance that a step ends with handing some objects on. */
const HAND_ON = 0.05;

export const larson: Workload = {
  name: "larson",
  story: "a server's threads: each replaces objects at random and hands them on to the next one",
  caches: [],
  rates: { interrupts: 0.001, migrations: 0.0005, delays: 0.0002 },
  start: (driver) => new LarsonPlayer(driver),
};

class LarsonPlayer implements Player {
  declare private readonly driver: Driver;
  private readonly slots: number[] = new Array<number>(SLOTS).fill(0);

  constructor(driver: Driver) {
    this.driver = driver;
  }

  step(): void {
    const { driver, slots } = this;
    const { random } = driver;
    for (let i = 0; i < STEP; i++) {
      const at = random.below(SLOTS);
      const old = slots[at] as number;
      if (old !== 0) driver.kfree(old);
      slots[at] = driver.kmalloc(LEAST + random.below(MOST - LEAST));
    }
    if (random.chance(HAND_ON)) this.handOn();
    driver.emptyMailbox();
  }

  private handOn(): void {
    const { driver, slots } = this;
    const to = (driver.task + 1) % driver.tasks;
    for (let at = 0; at < SLOTS; at++) {
      const object = slots[at] as number;
      if (object !== 0 && driver.send(to, object)) slots[at] = 0;
    }
  }

  finish(): void {
    this.driver.emptyMailbox();
    for (const object of this.slots) if (object !== 0) this.driver.kfree(object);
    this.slots.fill(0);
  }
}
