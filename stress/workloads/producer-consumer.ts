// SPDX-License-Identifier: GPL-2.0-only
/** Even tasks allocate and send, odd tasks free what they are sent: every free is a remote one. */
import type { Driver } from "../driver.ts";
import type { Player, Workload } from "./workload.ts";

const BATCH = 32;

export const producerConsumer: Workload = {
  name: "producer-consumer",
  story: "half of the tasks allocate and send, the others free what they get: all frees are remote",
  caches: [{ size: 128 }, { size: 1024 }],
  rates: { interrupts: 0.001, migrations: 0.0005, delays: 0.0002 },
  start: (driver) => (driver.task % 2 === 0 ? producer(driver) : consumer(driver)),
};

function producer(driver: Driver): Player {
  const unsent: number[] = [];
  return {
    step() {
      const { caches, random } = driver;
      while (unsent.length < BATCH) {
        const object = driver.alloc(caches[random.below(caches.length)] as number);
        if (object === 0) break;
        unsent.push(object);
      }
      const to = driver.tasks === 1 ? 0 : 1 + 2 * random.below(Math.floor(driver.tasks / 2));
      while (unsent.length > 0 && driver.send(to, unsent[unsent.length - 1] as number))
        unsent.pop();
    },
    finish() {
      driver.emptyMailbox();
      for (const object of unsent.splice(0)) driver.kfree(object);
    },
  };
}

function consumer(driver: Driver): Player {
  return {
    step: () => driver.emptyMailbox(),
    finish: () => driver.emptyMailbox(),
  };
}
