// SPDX-License-Identifier: GPL-2.0-only
/**
 * The paths that are written for direct memory, and where they may stand in. Each does by itself what
 * the allocator's own path does by way of small methods; so they are taken only where no change of the
 * table has exchanged one of those methods. Nothing in the allocator knows of them.
 */
import { SLAB_WRITTEN_OUT, withDirectSlabPaths } from "../slab/direct-paths.ts";
import { SLUB_WRITTEN_OUT, withDirectSlubPaths } from "../slub/cpu-slab/direct-paths.ts";
import { type Change, inTurn, onCpuSlabs, onSlab, type SystemClasses } from "./classes.ts";

type Table = Readonly<Record<string, { readonly prototype: Readonly<Record<string, unknown>> }>>;

const withPaths = inTurn(onCpuSlabs(withDirectSlubPaths), onSlab(withDirectSlabPaths));

/** The table as `change` makes it, with the direct paths below the changes where they fit. */
export function withDirectPaths(plain: SystemClasses, change: Change): SystemClasses {
  const changed = change(withPaths(plain));
  return keepsWrittenOut(plain, changed) ? changed : change(plain);
}

function keepsWrittenOut(plain: SystemClasses, changed: SystemClasses): boolean {
  const writtenOut = plain.allocator === "slub" ? SLUB_WRITTEN_OUT : SLAB_WRITTEN_OUT;
  const [before, after] = [plain, changed] as unknown as [Table, Table];
  const parts: readonly (readonly [string, readonly string[]])[] = Object.entries(writtenOut);
  return parts.every(([part, methods]) =>
    methods.every((name) => before[part]?.prototype[name] === after[part]?.prototype[name]),
  );
}
