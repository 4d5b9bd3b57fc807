// SPDX-License-Identifier: GPL-2.0-only
/** Objects are asked for on a node of choice and freed by a task elsewhere. */
import { GFP_KERNEL } from "../../src/pages/gfp.ts";
import type { Driver } from "../driver.ts";
import type { Player, Workload } from "./workload.ts";

const STEP = 24;
const HELD = 300;

export const numa: Workload = {
  name: "numa",
  story: "objects of a node of choice, freed on another: node mismatches and remote lists",
  caches: [{ size: 96 }, { size: 1200 }],
  rates: { interrupts: 0.002, migrations: 0.001, delays: 0.0005 },
  start: (driver) => new NumaPlayer(driver),
};

class NumaPlayer implements Player {
  declare private readonly driver: Driver;
  private readonly held: number[] = [];

  constructor(driver: Driver) {
    this.driver = driver;
  }

  step(): void {
    const { driver, held } = this;
    const { random, caches, nodes, tasks } = driver;
    const node = random.below(nodes);
    for (let i = 0; i < STEP; i++) {
      const object = random.chance(0.5)
        ? driver.alloc(caches[random.below(caches.length)] as number, GFP_KERNEL, node)
        : driver.kmalloc(random.pareto(16, 4096, 1), GFP_KERNEL, node);
      if (object !== 0) held.push(object);
    }
    // Half of the tasks away is another node, where there is one.
    const to = (driver.task + Math.ceil(tasks / 2)) % tasks;
    while (held.length > HELD) {
      const object = random.pluck(held);
      if (!driver.send(to, object)) driver.kfree(object);
    }
    driver.emptyMailbox();
  }

  finish(): void {
    this.driver.emptyMailbox();
    for (const object of this.held.splice(0)) this.driver.kfree(object);
  }
}
