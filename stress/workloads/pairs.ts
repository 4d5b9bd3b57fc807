// SPDX-License-Identifier: GPL-2.0-only
/** Each task takes one object and gives it back: nothing but the two fast paths. */
import type { Workload } from "./workload.ts";

const PAIRS_A_STEP = 64;

export const pairs: Workload = {
  name: "pairs",
  story: "each task allocates one object and frees it, over and over: the two fast paths",
  caches: [{ size: 64 }],
  rates: { interrupts: 0, migrations: 0, delays: 0 },
  start(driver) {
    const cache = driver.caches[0] as number;
    return {
      step() {
        for (let i = 0; i < PAIRS_A_STEP; i++) {
          const object = driver.alloc(cache);
          if (object !== 0) driver.free(cache, object);
        }
      },
      finish() {},
    };
  },
};
