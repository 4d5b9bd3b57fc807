// SPDX-License-Identifier: GPL-2.0-only
/**
 * The paths that are written for direct memory, and where they may stand in. Each does by itself what
 * the allocator's own path does by way of small methods; so they are taken only where no change of the
 * table has exchanged one of those methods. Nothing in the allocator knows of them.
 */
import { BATCHES_WRITTEN_OUT, withDirectBatches } from "../slab/direct-batches.ts";
import { SLAB_WRITTEN_OUT, withDirectSlabPaths } from "../slab/direct-paths.ts";
import { SLUB_WRITTEN_OUT, withDirectSlubPaths } from "../slub/cpu-slab/direct-paths.ts";
import { OPT_IN_WRITTEN_OUT, withDirectOptInPaths } from "../slub/opt-in/direct-paths.ts";
import { SHEAVES_WRITTEN_OUT, withDirectSheafPaths } from "../slub/sheaves/direct-paths.ts";
import {
  type Change,
  inTurn,
  onCpuSlabs,
  onOptIn,
  onSheaves,
  onSlab,
  type SystemClasses,
} from "./classes.ts";

type Table = Readonly<Record<string, { readonly prototype: Readonly<Record<string, unknown>> }>>;

const withPaths = inTurn(
  onCpuSlabs(withDirectSlubPaths),
  onOptIn(withDirectOptInPaths),
  onSheaves(withDirectSheafPaths),
  onSlab(withDirectSlabPaths),
  onSlab(withDirectBatches),
);

function writtenOutIn(classes: SystemClasses): Readonly<Record<string, readonly string[]>> {
  if (classes.allocator === "slab") return { ...SLAB_WRITTEN_OUT, ...BATCHES_WRITTEN_OUT };
  if (classes.front === "sheaves") return SHEAVES_WRITTEN_OUT;
  return classes.front === "cpu-slab" ? SLUB_WRITTEN_OUT : OPT_IN_WRITTEN_OUT;
}

/** The table as `change` makes it, with the direct paths below the changes where they fit. */
export function withDirectPaths(plain: SystemClasses, change: Change): SystemClasses {
  const direct = withPaths(plain);
  const changed = change(direct);
  return keepsWrittenOut(direct, changed) ? changed : change(plain);
}

function keepsWrittenOut(direct: SystemClasses, changed: SystemClasses): boolean {
  const [before, after] = [direct, changed] as unknown as [Table, Table];
  return Object.entries(writtenOutIn(direct)).every(([part, methods]) =>
    methods.every((name) => before[part]?.prototype[name] === after[part]?.prototype[name]),
  );
}
