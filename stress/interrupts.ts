// SPDX-License-Identifier: GPL-2.0-only
/**
 * The interrupt handler of torture memory: like a device driver's it allocates and frees objects of
 * a small pool of its own, atomically, from the caches that the interrupted code is using. Short
 * runs of takes followed by a give make the private list look as it was, with other objects behind
 * its head.
 */
import type { Address } from "../src/machine/memory.ts";
import { GFP_ATOMIC } from "../src/pages/gfp.ts";
import type { Driver } from "./driver.ts";
import type { Random } from "./random.ts";

const POOL = 24;
const SIZES = [16, 64, 200, 900];

export class InterruptHandler {
  private readonly driver: Driver;
  private readonly random: Random;
  private readonly pool: Address[] = [];

  /** `random` is its own: when interrupts come must not change what the task does. */
  constructor(driver: Driver, random: Random) {
    this.driver = driver;
    this.random = random;
  }

  /** Interrupts are off. */
  handle(): void {
    this.driver.unaccounted(() => this.service());
  }

  private service(): void {
    const { driver, random, pool } = this;
    driver.inInterrupt = true;
    const cache = this.anyCache();
    for (let n = 1 + random.below(4); n > 0; n--) {
      if (pool.length < POOL && random.chance(0.6)) this.take(cache);
      else if (pool.length > 0) this.give();
    }
    if (driver.hasSheaves) this.withoutLocks();
    driver.inInterrupt = false;
  }

  /** The calls that wait for no lock, whatever the interrupted code holds. */
  private withoutLocks(): void {
    const { driver, random, pool } = this;
    const size = SIZES[random.below(SIZES.length)] as number;
    const object = pool.length < POOL ? driver.kmallocNolock(size) : 0;
    if (object !== 0) pool.push(object);
    if (pool.length > 0 && random.chance(0.5)) driver.kfreeNolock(random.pluck(pool));
    if (pool.length > 0 && random.chance(0.3)) driver.kfreeRcu(random.pluck(pool));
  }

  /** 0 stands for kmalloc. */
  private anyCache(): Address {
    const { random, driver } = this;
    return random.chance(0.25) ? 0 : (driver.caches[random.below(driver.caches.length)] ?? 0);
  }

  private take(cache: Address): void {
    const { driver, random, pool } = this;
    const object =
      cache === 0
        ? driver.kmalloc(SIZES[random.below(SIZES.length)] as number, GFP_ATOMIC)
        : driver.alloc(cache, GFP_ATOMIC);
    if (object !== 0) pool.push(object);
  }

  /** Mostly the object taken before the last: then the list's head is an old one again. */
  private give(): void {
    const { driver, random, pool } = this;
    const at = random.chance(0.5) ? Math.max(0, pool.length - 2) : random.below(pool.length);
    const [object] = pool.splice(at, 1);
    if (object !== undefined) driver.kfree(object);
  }

  /** Gives the pool back; interrupts are on. */
  finish(): void {
    for (const object of this.pool.splice(0)) this.driver.kfree(object);
  }
}
