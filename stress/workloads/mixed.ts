// SPDX-License-Identifier: GPL-2.0-only
/**
 * A bit of everything, as a busy kernel does it: sizes by Pareto's law, several caches, bursts that
 * empty cpu slabs and fill partial lists, objects freed by others, bulk calls, other nodes, and now
 * and then a shrink.
 */
import {
  SLAB_HWCACHE_ALIGN,
  SLAB_RECLAIM_ACCOUNT,
  SLAB_TYPESAFE_BY_RCU,
} from "../../src/caches/flags.ts";
import { GFP_KERNEL } from "../../src/pages/gfp.ts";
import type { Driver } from "../driver.ts";
import { RareSteps } from "./rare-steps.ts";
import { SheafSteps } from "./sheaf-steps.ts";
import type { Player, Workload } from "./workload.ts";

/** Objects that a task holds on average, and at most. */
const HELD_USUALLY = 600;
const HELD_AT_MOST = 1200;
const LARGEST_SIZE = 20_000;
/** From here on kmalloc gives whole pages. */
const LARGEST_FROM_CACHE = 8192;
const LARGE_AT_MOST = 20;
const LARGEST_BURST = 120;
const LARGEST_BULK = 40;

export const mixed: Workload = {
  name: "mixed",
  story: "sizes by Pareto's law, several caches, bursts, remote frees, bulk, nodes: a busy kernel",
  caches: [
    { size: 40 },
    { size: 192, flags: SLAB_HWCACHE_ALIGN },
    { size: 640, flags: SLAB_RECLAIM_ACCOUNT },
    { size: 256, flags: SLAB_TYPESAFE_BY_RCU },
    { size: 2100 },
    { size: 7000 },
  ],
  rates: { interrupts: 0.002, migrations: 0.001, delays: 0.0005 },
  failsPages: true,
  start: (driver) => new MixedPlayer(driver),
};

class MixedPlayer implements Player {
  declare private readonly driver: Driver;
  private readonly held: number[] = [];
  /** Whole pages, which no bulk call takes. */
  private readonly large: number[] = [];
  private readonly rare: RareSteps;
  private readonly sheaves: SheafSteps | undefined;

  constructor(driver: Driver) {
    this.driver = driver;
    this.rare = new RareSteps(driver, this.held);
    this.sheaves = driver.hasSheaves ? new SheafSteps(driver, this.held) : undefined;
  }

  step(): void {
    const { driver, held } = this;
    const { random } = driver;
    const draw = random.below(1000);
    if (draw < 500) this.churn(32);
    else if (draw < 600) this.burst(this.anyCache(), 1 + random.below(LARGEST_BURST));
    else if (draw < 700) this.burst(this.largestCache(), 1 + random.below(LARGEST_BURST));
    else if (draw < 800) this.bulk(2 + random.below(LARGEST_BULK));
    else if (draw < 920) this.sendAway(random.below(12));
    else if (draw < 960) this.elsewhere();
    else if (draw < 999) this.rare.step();
    else if (random.chance(0.3)) driver.shrink(this.anyCache());
    this.sheaves?.step();
    driver.emptyMailbox();
    while (held.length > HELD_AT_MOST) driver.kfree(random.pluck(held));
  }

  finish(): void {
    this.driver.emptyMailbox();
    for (const object of this.held.splice(0)) this.driver.kfree(object);
    for (const object of this.large.splice(0)) this.driver.kfree(object);
  }

  private anyCache(): number {
    const { caches, random } = this.driver;
    return caches[random.below(caches.length)] as number;
  }

  /** Its slabs have few objects, so that they are often full, often empty, and often new. */
  private largestCache(): number {
    return this.driver.caches.at(-1) as number;
  }

  private keep(object: number): void {
    if (object !== 0) this.held.push(object);
  }

  private allocate(): void {
    const { driver } = this;
    if (driver.random.chance(0.4)) {
      this.keep(driver.alloc(this.anyCache()));
      return;
    }
    const size = driver.random.pareto(8, LARGEST_SIZE, 0.9);
    const object = driver.kmalloc(size);
    if (size <= LARGEST_FROM_CACHE) this.keep(object);
    else if (object !== 0) this.large.push(object);
    if (this.large.length > LARGE_AT_MOST) driver.kfree(driver.random.pluck(this.large));
  }

  /** Allocates and frees so that the number held stays about the usual one. */
  private churn(times: number): void {
    const { driver, held } = this;
    for (let i = 0; i < times; i++) {
      if (driver.random.below(2 * HELD_USUALLY) >= held.length) this.allocate();
      else driver.kfree(driver.random.pluck(held));
    }
  }

  /**
   * Many objects of one cache, some of which are freed at once, so that slabs are full one moment
   * and not the next; then all are freed: in order, in reverse, or at random and in part by another
   * task.
   */
  private burst(cache: number, count: number): void {
    const { driver } = this;
    const objects: number[] = [];
    for (let i = 0; i < count; i++) {
      const object = driver.alloc(cache);
      if (object === 0) continue;
      if (driver.random.chance(0.4)) driver.free(cache, object);
      else objects.push(object);
    }
    const order = driver.random.below(3);
    if (order === 0) objects.reverse();
    const to = driver.random.below(driver.tasks);
    while (objects.length > 0) {
      const object = order === 2 ? driver.random.pluck(objects) : (objects.pop() as number);
      // Some of a slab's objects are freed here and some elsewhere, at the same time.
      if (order !== 2 || !driver.random.chance(0.4) || !driver.send(to, object)) {
        driver.free(cache, object);
      }
    }
  }

  private bulk(count: number): void {
    const { driver, held } = this;
    held.push(...driver.allocBulk(this.anyCache(), count));
    const going = Array.from({ length: Math.min(count, held.length) }, () =>
      driver.random.pluck(held),
    );
    if (going.length > 0) driver.freeBulk(going);
  }

  /** Objects that other tasks are to free. */
  private sendAway(count: number): void {
    const { driver, held } = this;
    const to = driver.random.below(driver.tasks);
    for (let i = 0; i < count && held.length > 0; i++) {
      const object = driver.random.pluck(held);
      if (!driver.send(to, object)) driver.kfree(object);
    }
  }

  /** An object of a node of the task's choice. */
  private elsewhere(): void {
    const { driver } = this;
    this.keep(driver.alloc(this.anyCache(), GFP_KERNEL, driver.random.below(driver.nodes)));
  }
}
