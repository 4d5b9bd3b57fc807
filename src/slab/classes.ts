/** All classes that make up a SLAB, for each kernel: what an option or a mutation exchanges. */
import type { KernelVersion } from "../caches/flags.ts";
import { NEWER_PARTS, OLDER_PARTS, type SlabParts } from "./parts.ts";
import { Slab } from "./slab.ts";

export interface SlabClasses extends SlabParts {
  Slab: typeof Slab;
}

export type SlabForms = Readonly<Record<KernelVersion, SlabClasses>>;

export const SLAB_FORMS: SlabForms = {
  "4.1": { ...OLDER_PARTS, Slab },
  "6.1": { ...NEWER_PARTS, Slab },
};

/** Exchanges classes in both forms. */
export function inBothForms(
  forms: SlabForms,
  change: (classes: SlabClasses) => SlabClasses,
): SlabForms {
  return { "4.1": change(forms["4.1"]), "6.1": change(forms["6.1"]) };
}
