// SPDX-License-Identifier: GPL-2.0-only
/**
 * Memory is taken until there is none, then a part is given back, over and over: allocations are
 * refused, large blocks become rare, and slabs of a smaller order have to do. Each task lets a
 * shrinker give up some of what it holds. The first task is a critical one: it may use the reserves, and
 * gets what it asks for while the others are refused.
 */
import { KernelBug } from "../../src/machine/kernel-bug.ts";
import { __GFP_MEMALLOC, GFP_ATOMIC, GFP_KERNEL } from "../../src/pages/gfp.ts";
import type { Driver } from "../driver.ts";
import type { Player, Workload } from "./workload.ts";

const STEP = 48;
/** How much of its objects a task gives back once it was refused. */
const GIVEN_BACK = 0.4;
const LARGEST_SIZE = 60_000;
/** Chance that an object may be taken away by the shrinker. */
const SHRINKABLE = 0.1;
/** Objects of the critical task, from a cache of its own: no other task takes what it leaves. */
const CRITICAL_SIZE = 256;
const MOST_CRITICAL = 32;

export const pressure: Workload = {
  name: "pressure",
  story: "memory is taken until there is none: NULLs are survived, the critical task gets none",
  caches: [{ size: 700 }, { size: 3000 }, { size: CRITICAL_SIZE }],
  rates: { interrupts: 0.001, migrations: 0.0005, delays: 0.0002 },
  reserves: true,
  start: (driver) => (driver.task === 0 ? new CriticalPlayer(driver) : new PressurePlayer(driver)),
};

class PressurePlayer implements Player {
  declare private readonly driver: Driver;
  private readonly held: number[] = [];
  private readonly shrinkable: number[] = [];
  /** Objects it is giving back down to; 0: it is taking. */
  private downTo = 0;

  constructor(driver: Driver) {
    this.driver = driver;
    driver.kernel.reserves?.registerShrinker({
      count: () => this.shrinkable.length,
      scan: (most) => {
        const taken = this.shrinkable.splice(0, most);
        for (const object of taken) driver.kfree(object);
        driver.reserves.shrunk += taken.length;
        return most;
      },
    });
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
      ? driver.alloc(caches[random.below(2)] as number, gfp)
      : driver.kmalloc(random.pareto(64, LARGEST_SIZE, 0.5), gfp);
    if (object === 0) this.downTo = Math.floor(held.length * (1 - GIVEN_BACK));
    else (random.chance(SHRINKABLE) ? this.shrinkable : held).push(object);
  }

  finish(): void {
    for (const object of this.held.splice(0)) this.driver.kfree(object);
    for (const object of this.shrinkable.splice(0)) this.driver.kfree(object);
  }
}

class CriticalPlayer implements Player {
  declare private readonly driver: Driver;
  private readonly held: number[] = [];
  /** No allocation fails on purpose, so none may fail. */
  private readonly mustNotFail: boolean;

  constructor(driver: Driver) {
    const { failSlab, failPages } = driver.kernel.debug;
    this.driver = driver;
    this.mustNotFail = failSlab === undefined && failPages === undefined;
  }

  step(): void {
    const { driver, held } = this;
    for (let i = 0; i < STEP; i++) {
      if (held.length === MOST_CRITICAL || (held.length > 0 && driver.random.chance(0.45))) {
        driver.kfree(driver.random.pluck(held));
      } else {
        this.take();
      }
    }
  }

  /** By the flag of the request, or as a task that frees memory. */
  private take(): void {
    const { driver } = this;
    const { reserves } = driver.kernel;
    const asTask = driver.random.chance(0.5);
    const flags = asTask ? reserves?.noreclaimSave() : undefined;
    const cache = driver.caches[2] as number;
    const object = driver.alloc(cache, asTask ? GFP_KERNEL : GFP_KERNEL | __GFP_MEMALLOC);
    if (flags !== undefined) reserves?.noreclaimRestore(flags);
    if (object !== 0) {
      this.held.push(object);
      driver.reserves.critical++;
    } else if (this.mustNotFail) {
      throw new KernelBug(
        "out-of-memory",
        "the critical task was refused, which may use the reserves",
      );
    }
  }

  finish(): void {
    for (const object of this.held.splice(0)) this.driver.kfree(object);
  }
}
