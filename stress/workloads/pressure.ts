// SPDX-License-Identifier: GPL-2.0-only
/**
 * Memory is taken until there is none, then a part is given back, over and over: allocations are
 * refused, large blocks become rare, and slabs of a smaller order have to do.
 */
import { GFP_ATOMIC, GFP_KERNEL } from "../../src/pages/gfp.ts";
import type { Driver } from "../driver.ts";
import type { Player, Workload } from "./workload.ts";

const STEP = 48;
/** How much of its objects a task gives back once it was refused. */
const GIVEN_BACK = 0.4;
const LARGEST_SIZE = 60_000;

export const pressure: Workload = {
  name: "pressure",
  story: "memory is taken until there is none: NULLs are survived, nothing is lost",
  caches: [{ size: 700 }, { size: 3000 }],
  start: (driver) => new PressurePlayer(driver),
};

class PressurePlayer implements Player {
  declare private readonly driver: Driver;
  private readonly held: number[] = [];
  /** Objects it is giving back down to; 0: it is taking. */
  private downTo = 0;

  constructor(driver: Driver) {
    this.driver = driver;
  }

  step(): void {
    const { driver, held } = this;
    for (let i = 0; i < STEP; i++) {
      if (held.length > this.downTo && this.downTo > 0) driver.kfree(driver.random.pluck(held));
      else this.take();
    }
  }

  private take(): void {
    const { driver, held } = this;
    const { random, caches } = driver;
    this.downTo = 0;
    const gfp = random.chance(0.2) ? GFP_ATOMIC : GFP_KERNEL;
    const object = random.chance(0.3)
      ? driver.alloc(caches[random.below(caches.length)] as number, gfp)
      : driver.kmalloc(random.pareto(64, LARGEST_SIZE, 0.5), gfp);
    if (object !== 0) held.push(object);
    else this.downTo = Math.floor(held.length * (1 - GIVEN_BACK));
  }

  finish(): void {
    for (const object of this.held.splice(0)) this.driver.kfree(object);
  }
}
