// SPDX-License-Identifier: GPL-2.0-only
import { onCommon } from "../../kernel/classes.ts";
import { leakScanFree } from "../../laboratory/scenarios/leak-scan.ts";
import type { Address } from "../../machine/memory.ts";
import { bug } from "../exhibit.ts";

export const R54 = bug({
  id: "R54",
  title: "mm: kmemleak: allow safe memory scanning during kmemleak disabling",
  commit: "c5f3b1a51a59",
  year: 2015,
  verification: "V3",
  needs: "X",
  story: [
    "kmemleak is switched off, for lack of memory, while it scans; from then on kmemleak_free does nothing.",
    "An object is freed while the scan reads it, and the scan goes on to read what is no longer there.",
    "A free waits for the lock of the object as long as a scan may run.",
  ],
  expect: ["use-after-free"],
  change: onCommon(({ TrackedObjects }) => ({
    TrackedObjects: class extends TrackedObjects {
      override freed(object: Address): void {
        this.memory.writeOnce(this.wordOf(object), 0);
      }
    },
  })),
  retypes: { "TrackedObjects.freed": "4a456271" },
  scenario: leakScanFree,
  class: "use-after-free",
  preemptions: 1,
});
