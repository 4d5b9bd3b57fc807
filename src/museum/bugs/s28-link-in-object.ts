// SPDX-License-Identifier: GPL-2.0-only
import { SLAB_TYPESAFE_BY_RCU } from "../../caches/flags.ts";
import { onSheafParts } from "../../kernel/classes.ts";
import { interrupt, on, task } from "../../laboratory/scenario.ts";
import { alloc, call, type Step } from "../../laboratory/steps.ts";
import { hex } from "../../machine/hex.ts";
import { KernelBug } from "../../machine/kernel-bug.ts";
import type { Address } from "../../machine/memory.ts";
import { bug } from "../exhibit.ts";

const LOCK_WORD = 0x10c;

/** Readers under RCU still look at a free object: here at the first word of it, a lock. */
const freeAndLook = (of: string): Step =>
  call(`kfree-nolock ${of}, look at it`, ({ system, memory }, names) => {
    for (const object of names(of)) {
      memory.writeOnce(object, LOCK_WORD);
      system.kfreeNolock(object);
      const seen = memory.readOnce(object);
      if (seen === LOCK_WORD) continue;
      throw new KernelBug(
        "use-after-free",
        `the first word of ${hex(object)}, at which readers may look, is ${hex(seen)}`,
      );
    }
    return undefined;
  });

export const S28 = bug({
  id: "S28",
  title: "sheaves: a free that is put off is linked through the object's first word",
  needs: "S",
  story: [
    "kfree_nolock links the objects that it puts off through their first words.",
    "Readers of a SLAB_TYPESAFE_BY_RCU cache still look at a free object, and find an address where a lock was.",
    "The link is the free pointer, which the cache has put where nobody looks.",
  ],
  expect: ["use-after-free"],
  change: onSheafParts((classes) => ({
    DeferredFrees: class extends classes.DeferredFrees {
      protected override linkOf(object: Address): Address {
        return object;
      }
    },
  })),
  scenario: {
    name: "sheaf-interrupt-nolock",
    story: "An interrupt frees by kfree_nolock anywhere in an allocation, and looks at the object.",
    machine: { kernel: "7.1", flags: SLAB_TYPESAFE_BY_RCU },
    setup: on(0, alloc("a", 1)),
    contexts: [task("A", 0, alloc("x")), interrupt("irq", 0, freeAndLook("a.0"))],
  },
  class: "use-after-free",
  preemptions: 1,
});
