// SPDX-License-Identifier: GPL-2.0-only
/**
 * Queues change their size while they are used: SLAB's arrays are replaced under CPUs that allocate
 * from them (do_tune_cpucache), SLUB's cpu partial lists are given another limit and flushed.
 */
import type { Driver } from "../driver.ts";
import type { Player, Workload } from "./workload.ts";

const STEP = 32;
/** Objects a task holds, so that short queues run over and long ones do not. */
const HELD_AT_MOST = 200;
const LONGEST_QUEUE = 64;
const MOST_SHARED_BATCHES = 4;

export const tune: Workload = {
  name: "tune",
  story: "queue sizes are changed while everybody allocates and frees through the queues",
  caches: [{ size: 48 }, { size: 400 }, { size: 2000 }],
  rates: { interrupts: 0.004, migrations: 0.002, delays: 0.001 },
  start: (driver) => new TunePlayer(driver),
};

class TunePlayer implements Player {
  declare private readonly driver: Driver;
  private readonly held: number[] = [];

  constructor(driver: Driver) {
    this.driver = driver;
  }

  step(): void {
    const { driver, held } = this;
    const { random, caches } = driver;
    const cache = caches[random.below(caches.length)] as number;
    if (random.chance(0.1)) this.tune(cache);
    const usually = random.below(HELD_AT_MOST);
    for (let i = 0; i < STEP; i++) {
      if (random.below(2 * usually + 1) < held.length) driver.kfree(random.pluck(held));
      else this.keep(driver.alloc(cache));
    }
    this.sendAway();
    driver.emptyMailbox();
  }

  finish(): void {
    this.driver.emptyMailbox();
    for (const object of this.held.splice(0)) this.driver.kfree(object);
  }

  private tune(cache: number): void {
    const { driver } = this;
    const { random } = driver;
    const limit = 1 + random.below(LONGEST_QUEUE);
    const batchcount = 1 + random.below(limit);
    const shared = random.below(MOST_SHARED_BATCHES);
    if (!driver.writeSlabinfo(cache, limit, batchcount, shared)) {
      driver.storeSysfs(cache, "cpu_partial", `${random.below(LONGEST_QUEUE)}`);
    }
  }

  private keep(object: number): void {
    if (object !== 0) this.held.push(object);
  }

  private sendAway(): void {
    const { driver, held } = this;
    const to = driver.random.below(driver.tasks);
    for (const object of held.splice(0, 2)) if (!driver.send(to, object)) driver.kfree(object);
  }
}
