// SPDX-License-Identifier: GPL-2.0-only
/**
 * Few objects, and few a slab: almost every call exhausts a cpu slab, fills or empties a slab, or
 * changes a list. Most races are there, so torture finds them soonest with this workload; the
 * museum's exhibits are shown live with it.
 */
import type { Driver } from "../driver.ts";
import type { Player, Workload } from "./workload.ts";

const STEP = 24;
/** Objects a task holds; a slab has four. They come and go, so that slabs are made and discarded. */
const HELD_AT_MOST = 24;
const LARGEST_BULK = 6;

export const few: Workload = {
  name: "few",
  story:
    "few objects in small slabs, with shrinks: every other call meets a slab's end; for torture",
  caches: [{ size: 7000 }, { size: 3000 }],
  start: (driver) => new FewPlayer(driver),
};

class FewPlayer implements Player {
  declare private readonly driver: Driver;
  private readonly held: number[] = [];

  constructor(driver: Driver) {
    this.driver = driver;
  }

  step(): void {
    const { driver, held } = this;
    const { random } = driver;
    const cache = driver.caches[random.below(driver.caches.length)] as number;
    const draw = random.below(100);
    if (draw < 8) driver.shrink(cache);
    else if (draw < 20) this.bulk(cache, 1 + random.below(LARGEST_BULK));
    else if (draw < 40) this.sendAway();
    const usually = random.below(HELD_AT_MOST);
    for (let i = 0; i < STEP; i++) {
      if (random.below(2 * usually + 1) < held.length) driver.kfree(random.pluck(held));
      else this.keep(driver.alloc(cache));
    }
    driver.emptyMailbox();
  }

  finish(): void {
    this.driver.emptyMailbox();
    for (const object of this.held.splice(0)) this.driver.kfree(object);
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
