/** All classes that make up a SLUB, in one table: what an option or a mutation exchanges. */

import { Slub } from "./cpu-slab/slub.ts";
import { SLUB_PARTS, type SlubParts } from "./parts.ts";

export interface SlubClasses extends SlubParts {
  Slub: typeof Slub;
}

export const SLUB_CLASSES: SlubClasses = { ...SLUB_PARTS, Slub };
