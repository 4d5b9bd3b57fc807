// SPDX-License-Identifier: GPL-2.0-only
/**
 * kmemleak in a laboratory, whose objects it knows from the set-up on. The machine's own words are no
 * roots, since reading them all would be most of every schedule: what is not marked is suspected. An
 * object that kmemleak reads or reports must stay in use meanwhile.
 */
import type { TrackedObjects } from "../caches/kmemleak/tracked-objects.ts";
import type { Ledger } from "../check/ledger.ts";
import { Kmemleak } from "../kernel/kmemleak.ts";
import type { System } from "../kernel/system.ts";
import { hex } from "../machine/hex.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";

export class ExploredKmemleak extends Kmemleak {
  private readonly ledger: Ledger;

  constructor(system: System, tracked: TrackedObjects, ledger: Ledger) {
    super({ system, tracked, call: (_, act) => act() });
    this.ledger = ledger;
  }

  protected override scanRoots(): void {}

  protected override unused(): ReadonlySet<Address> {
    return new Set();
  }

  protected override held<T>(object: Address, act: () => T): T | undefined {
    const { ledger } = this;
    return super.held(object, () => {
      const event = ledger.eventOf(object);
      const result = act();
      if (ledger.isLive(object) && ledger.eventOf(object) === event) return result;
      throw new KernelBug(
        "use-after-free",
        `object ${hex(object)} is freed while kmemleak reads it: ${ledger.story(object)}`,
      );
    });
  }
}
