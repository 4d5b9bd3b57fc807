// SPDX-License-Identifier: GPL-2.0-only
/**
 * What a task does with every allocator now and then: sysfs is written, objects wait for readers, other
 * tasks' objects are looked at under RCU, pages come and go by the batch, and memory runs out in the
 * middle of a bulk call.
 */
import type { Driver } from "../driver.ts";

/** More than a CPU keeps, so that a batch goes back. */
const PAGES = 70;
const LARGEST_BULK = 12;

/** Files of sysfs, and the values that are written to them. */
const WRITTEN = [
  ["cpu_partial", ["0", "1", "4", "30"]],
  ["min_partial", ["0", "5"]],
  ["shrink", ["1"]],
  ["validate", ["1"]],
] as const;

/** Queue sizes of SLAB: limit, batchcount, shared. */
const QUEUES = [
  [4, 2, 1],
  [1, 1, 0],
  [12, 6, 2],
] as const;

export class RareSteps {
  private readonly driver: Driver;
  private readonly held: number[];

  /** `held`: objects of the task, of any caches. */
  constructor(driver: Driver, held: number[]) {
    this.driver = driver;
    this.held = held;
  }

  step(): void {
    const { random, caches } = this.driver;
    const cache = caches[random.below(caches.length)] as number;
    const draw = random.below(12);
    if (draw < 3) this.driver.lookAround();
    else if (draw < 6) this.waitForReaders();
    else if (draw < 8) this.failInBulk(cache);
    else if (draw < 10) this.zeroed(cache);
    else if (draw < 11) this.tune(cache);
    else if (random.chance(0.3)) this.driver.pagesThereAndBack(PAGES);
  }

  private waitForReaders(): void {
    const { driver, held } = this;
    for (let n = driver.random.below(6); n > 0 && held.length > 0; n--) {
      driver.kfreeRcu(driver.random.pluck(held));
    }
  }

  /** One of the next page allocations of the whole machine fails. */
  private failInBulk(cache: number): void {
    const { driver, held } = this;
    driver.failPages(1 + driver.random.below(3));
    held.push(...driver.allocBulk(cache, 2 + driver.random.below(LARGEST_BULK)));
  }

  private zeroed(cache: number): void {
    const { driver, held } = this;
    const object = driver.allocZeroed(cache);
    if (object !== 0) held.push(object);
  }

  private tune(cache: number): void {
    const { driver } = this;
    const { random } = driver;
    const [limit, batchcount, shared] = QUEUES[random.below(QUEUES.length)] as (typeof QUEUES)[0];
    if (driver.writeSlabinfo(cache, limit, batchcount, shared)) return;
    const [file, values] = WRITTEN[random.below(WRITTEN.length)] as (typeof WRITTEN)[0];
    driver.storeSysfs(cache, file, values[random.below(values.length)] as string);
  }
}
