// SPDX-License-Identifier: GPL-2.0-only
/**
 * What a task does with an allocator that has sheaves, besides what it does with every allocator:
 * sheaves filled beforehand and brought back, objects that wait for readers, bulk calls on one cache,
 * and nolock calls. A sheaf is never kept from one step to the next, so that none is in a task's hands
 * when the machine is audited.
 */
import type { Driver } from "../driver.ts";

const LARGEST_PREFILL = 90;
const LARGEST_BULK = 90;
const LARGEST_NOLOCK = 2000;

export class SheafSteps {
  private readonly driver: Driver;
  private readonly held: number[];

  /** `held`: objects of the task, of any caches. */
  constructor(driver: Driver, held: number[]) {
    this.driver = driver;
    this.held = held;
  }

  step(): void {
    const { driver } = this;
    const { random, caches } = driver;
    const cache = caches[random.below(caches.length)] as number;
    const draw = random.below(4);
    if (draw === 0) this.fromSheaf(cache);
    else if (draw === 1) this.waitForReaders(random.below(40));
    else if (draw === 2) this.bulk(cache, 2 + random.below(LARGEST_BULK));
    else this.nolock(random.below(12));
  }

  /** As maple trees do: as many objects as may be needed, some of which are. */
  private fromSheaf(cache: number): void {
    const { driver, held } = this;
    const { random } = driver;
    let sheaf = driver.prefillSheaf(cache, 1 + random.below(LARGEST_PREFILL));
    if (sheaf === 0) return;
    for (let n = random.below(40); n > 0; n--) {
      const object = driver.allocFromSheaf(cache, sheaf);
      if (object === 0) break;
      held.push(object);
    }
    if (random.chance(0.4))
      sheaf = driver.refillSheaf(cache, sheaf, 1 + random.below(LARGEST_PREFILL));
    driver.returnSheaf(cache, sheaf);
  }

  private waitForReaders(count: number): void {
    const { driver, held } = this;
    for (let n = count; n > 0 && held.length > 0; n--) driver.kfreeRcu(driver.random.pluck(held));
  }

  /** Some of the objects are swapped for older ones on the way, which lie on other slabs. */
  private bulk(cache: number, count: number): void {
    const { driver } = this;
    const objects = driver.allocBulk(cache, count);
    for (let i = 0; i < objects.length; i += 3) {
      const object = driver.alloc(cache);
      if (object !== 0) objects.push(object);
    }
    if (objects.length > 0) driver.freeBulk(objects, cache);
  }

  private nolock(count: number): void {
    const { driver, held } = this;
    const { random } = driver;
    for (let n = count; n > 0; n--) {
      const object = driver.kmallocNolock(1 + random.below(LARGEST_NOLOCK));
      if (object !== 0) held.push(object);
      if (held.length > 0 && random.chance(0.5)) driver.kfreeNolock(random.pluck(held));
    }
  }
}
