// SPDX-License-Identifier: GPL-2.0-only
/**
 * Caches come and go: each task makes caches of its own, fills them, shrinks and destroys them, while
 * all others allocate from the shared ones and do the same.
 */
import { SLAB_TYPESAFE_BY_RCU } from "../../src/caches/flags.ts";
import type { Driver } from "../driver.ts";
import type { Player, Workload } from "./workload.ts";

const OWN_CACHES = 3;
const OBJECTS_EACH = 60;
const STEP = 32;

interface OwnCache {
  readonly cache: number;
  readonly objects: number[];
}

export const churn: Workload = {
  name: "churn",
  story: "caches are created, filled, shrunk and destroyed while others allocate from shared ones",
  caches: [{ size: 72 }, { size: 512, flags: SLAB_TYPESAFE_BY_RCU }],
  rates: { interrupts: 0.002, migrations: 0.001, delays: 0.0005 },
  start: (driver) => new ChurnPlayer(driver),
};

class ChurnPlayer implements Player {
  declare private readonly driver: Driver;
  private readonly own: OwnCache[] = [];
  private readonly held: number[] = [];
  private created = 0;

  constructor(driver: Driver) {
    this.driver = driver;
  }

  step(): void {
    const { random } = this.driver;
    const draw = random.below(100);
    if (draw < 8) this.create();
    else if (draw < 16 && this.own.length > 0) this.destroy(random.pluck(this.own));
    else if (draw < 20) this.shrink();
    else if (draw < 60) this.fill();
    else this.useShared();
  }

  private create(): void {
    const { driver, own } = this;
    if (own.length >= OWN_CACHES) return;
    const name = `churn-${driver.task}-${this.created++}`;
    const size = driver.random.pareto(8, 3000, 0.6);
    const flags = driver.random.chance(0.2) ? SLAB_TYPESAFE_BY_RCU : 0;
    const cache = driver.create(name, size, flags);
    if (cache !== 0) own.push({ cache, objects: [] });
  }

  private destroy({ cache, objects }: OwnCache): void {
    for (const object of objects.splice(0)) this.driver.free(cache, object);
    this.driver.destroy(cache);
  }

  private shrink(): void {
    const { caches, random } = this.driver;
    const own = this.own[random.below(this.own.length)];
    this.driver.shrink(own?.cache ?? (caches[random.below(caches.length)] as number));
  }

  private fill(): void {
    const { driver, own } = this;
    const chosen = own[driver.random.below(own.length)];
    if (chosen === undefined) return;
    const { cache, objects } = chosen;
    for (let i = 0; i < STEP; i++) {
      if (driver.random.below(OBJECTS_EACH) < objects.length) {
        driver.free(cache, driver.random.pluck(objects));
      } else {
        const object = driver.alloc(cache);
        if (object !== 0) objects.push(object);
      }
    }
  }

  private useShared(): void {
    const { driver, held } = this;
    const { caches, random } = driver;
    for (let i = 0; i < STEP; i++) {
      if (held.length > 0 && random.chance(0.5)) {
        driver.kfree(random.pluck(held));
      } else {
        const object = driver.alloc(caches[random.below(caches.length)] as number);
        if (object !== 0) held.push(object);
      }
    }
  }

  finish(): void {
    for (const own of this.own.splice(0)) this.destroy(own);
    for (const object of this.held.splice(0)) this.driver.kfree(object);
  }
}
