// SPDX-License-Identifier: GPL-2.0-only
/**
 * Few objects, and few a slab: almost every call exhausts a cpu slab, fills or empties a slab, or
 * changes a list. Most races are there, so torture finds them soonest with this workload; the
 * museum's exhibits are shown live with it.
 */
import { SLAB_TYPESAFE_BY_RCU } from "../../src/caches/flags.ts";
import { GFP_KERNEL } from "../../src/pages/gfp.ts";
import type { Driver } from "../driver.ts";
import { RareSteps } from "./rare-steps.ts";
import { SheafSteps } from "./sheaf-steps.ts";
import type { Player, Workload } from "./workload.ts";

const STEP = 24;
/** Objects a task holds; a slab has four. They come and go, so that slabs are made and discarded. */
const HELD_AT_MOST = 24;
const LARGEST_BULK = 6;

export const few: Workload = {
  name: "few",
  story:
    "few objects in small slabs, with shrinks: every other call meets a slab's end; for torture",
  caches: [{ size: 7000 }, { size: 3000 }, { size: 1500, flags: SLAB_TYPESAFE_BY_RCU }],
  rates: { interrupts: 0.004, migrations: 0.002, delays: 0.001 },
  failsPages: true,
  start: (driver) => new FewPlayer(driver),
};

class FewPlayer implements Player {
  declare private readonly driver: Driver;
  private readonly held: number[] = [];
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
    const cache = driver.caches[random.below(driver.caches.length)] as number;
    const draw = random.below(100);
    if (draw < 8) driver.shrink(cache);
    else if (draw < 20) this.bulk(cache, 1 + random.below(LARGEST_BULK));
    else if (draw < 40) this.sendAway();
    else if (draw < 50) this.rare.step();
    else if (draw < 55) this.sheaves?.step();
    const usually = random.below(HELD_AT_MOST);
    for (let i = 0; i < STEP; i++) {
      if (random.below(2 * usually + 1) < held.length) driver.kfree(random.pluck(held));
      else if (random.chance(0.1)) this.keep(driver.alloc(cache, GFP_KERNEL, this.anyNode()));
      else this.keep(driver.alloc(cache));
    }
    driver.emptyMailbox();
  }

  finish(): void {
    this.driver.emptyMailbox();
    for (const object of this.held.splice(0)) this.driver.kfree(object);
  }

  private anyNode(): number {
    return this.driver.random.below(this.driver.nodes);
  }

  private keep(object: number): void {
    if (object !== 0) this.held.push(object);
  }

  private bulk(cache: number, count: number): void {
    const { driver, held } = this;
    if (held.length > 0) driver.freeBulk(held.splice(0));
    held.push(...driver.allocBulk(cache, count));
  }

  /** Sends objects to another task, which frees them while this one uses the same slabs. */
  private sendAway(): void {
    const { driver, held } = this;
    const to = driver.random.below(driver.tasks);
    for (const object of held.splice(0, 2)) if (!driver.send(to, object)) driver.kfree(object);
  }
}
