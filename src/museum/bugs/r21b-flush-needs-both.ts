// SPDX-License-Identifier: GPL-2.0-only
import { partialElsewhere } from "../../laboratory/scenarios/partial-elsewhere.ts";
import { bug } from "../exhibit.ts";
import { asking } from "./r21-flush-misses-partial.ts";

export const R21b = bug({
  id: "R21b",
  title: "the same, as first posted: `page && partial`",
  commit: "02e1a9cd1eaf",
  year: 2012,
  verification: "V1",
  isIdUnconfirmed: true,
  needs: "0",
  story: [
    "The first fix that was posted for R21 joined the two tests by `and`.",
    "flush_all then asks a CPU only if it has both a slab and a partial list.",
    "The two tests are joined by `or`.",
  ],
  expect: ["leaked-page"],
  change: asking((hasPage, hasPartial) => hasPage && hasPartial),
  retypes: { "CpuSlabFront.hasCpuSlab": "a9d6c99b" },
  scenario: partialElsewhere,
  class: "leaked-page",
  preemptions: 0,
});
