/** Every allocator, kernel and form of hardening that the fuzz calls. */
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { MIB } from "../../src/machine/units.ts";

/** What is asked for does not fit at first. */
const growing = { memory: 4 * MIB, maximum: 12 * MIB };
const debugging = { parameters: { slub_debug: "FZPU" } };

export const FUZZ_FORMS: readonly BootOptions[] = [
  { kernel: "4.1" },
  { kernel: "6.1" },
  { kernel: "6.19" },
  { kernel: "7.1" },
  { allocator: "slab", kernel: "4.1" },
  { allocator: "slab", kernel: "6.1" },
  { kernel: "4.1", ...debugging },
  { kernel: "6.1", ...debugging },
  { kernel: "7.1", ...debugging },
  { allocator: "slab", kernel: "4.1", config: ["DEBUG_SLAB"] },
  { allocator: "slab", kernel: "6.1", config: ["DEBUG_SLAB"] },
  { kernel: "4.1", hardened: true, randomized: true },
  { kernel: "6.1", hardened: true, randomized: true },
  { allocator: "slab", kernel: "6.1", randomized: true },
  { kernel: "6.1", initOnAlloc: true },
  { allocator: "slab", kernel: "4.1", initOnFree: true },
  { kernel: "4.1", swap: "atomics" },
  { kernel: "6.1", swap: "slab_lock" },
  { kernel: "4.1", failSlab: { probability: 0.05 } },
  { kernel: "7.1", failSlab: { probability: 0.05 } },
  { kernel: "6.1", failPages: { probability: 0.1 } },
  { allocator: "slab", kernel: "4.1", failPages: { probability: 0.1 } },
  { allocator: "slab", kernel: "6.1", failSlab: { probability: 0.05 } },
  { kernel: "7.1", swap: "atomics" },
  { kernel: "4.1", era: "seed" },
  { kernel: "4.1", groups: true },
  { kernel: "7.1", groups: true },
  { allocator: "slab", kernel: "6.1", groups: true },
  { kernel: "4.1", ...growing },
  { kernel: "7.1", ...growing },
  { allocator: "slab", kernel: "6.1", ...growing },
  { kernel: "6.1", parameters: { slub_nomerge: true, slub_max_order: 0 } },
];
