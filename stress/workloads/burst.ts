// SPDX-License-Identifier: GPL-2.0-only
/**
 * Thousands of objects of one cache, then all of them back: first in, first out; last in, first out;
 * or at random. Slabs come from the page allocator by the hundred and go back again.
 */
import type { Driver } from "../driver.ts";
import type { Player, Workload } from "./workload.ts";

const LARGEST = 2000;
const STEP = 64;

type Order = "fifo" | "lifo" | "random";
const ORDERS: readonly Order[] = ["fifo", "lifo", "random"];

export const burst: Workload = {
  name: "burst",
  story: "thousands of objects, then all back in order, in reverse or at random: slabs come and go",
  caches: [{ size: 32 }, { size: 256 }, { size: 1500 }],
  rates: { interrupts: 0.001, migrations: 0.0005, delays: 0.0002 },
  start: (driver) => new BurstPlayer(driver),
};

class BurstPlayer implements Player {
  declare private readonly driver: Driver;
  private readonly objects: number[] = [];
  private cache = 0;
  private wanted = 0;
  private order: Order = "fifo";
  /** Next to be freed, where that is from the front. */
  private front = 0;

  constructor(driver: Driver) {
    this.driver = driver;
  }

  step(): void {
    for (let i = 0; i < STEP; i++) {
      if (this.objects.length < this.wanted) this.grow();
      else if (this.front < this.objects.length) this.shrinkByOne();
      else this.begin();
    }
  }

  private begin(): void {
    const { random, caches } = this.driver;
    this.objects.length = 0;
    this.front = 0;
    this.cache = caches[random.below(caches.length)] as number;
    this.wanted = 1 + random.below(LARGEST);
    this.order = ORDERS[random.below(ORDERS.length)] as Order;
  }

  private grow(): void {
    const object = this.driver.alloc(this.cache);
    if (object !== 0) this.objects.push(object);
    else this.wanted = this.objects.length;
  }

  private shrinkByOne(): void {
    const { driver, objects } = this;
    this.wanted = 0;
    let object: number;
    if (this.order === "fifo") object = objects[this.front++] as number;
    else object = this.order === "lifo" ? (objects.pop() as number) : driver.random.pluck(objects);
    driver.free(this.cache, object);
  }

  finish(): void {
    const { driver, objects, front } = this;
    for (const object of objects.splice(0).slice(front)) driver.free(this.cache, object);
    this.front = 0;
    this.wanted = 0;
  }
}
