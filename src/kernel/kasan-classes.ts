// SPDX-License-Identifier: GPL-2.0-only
/** What KASAN exchanges in a table, and the class of its quarantine, which comes into the table. */
import { Quarantine, type QuarantineParts } from "../caches/kasan/quarantine.ts";
import { withKasanObjects } from "../caches/kasan/with-kasan.ts";
import { withKasanPages } from "../pages/with-kasan.ts";
import { withSlabKasan } from "../slab/options/kasan.ts";
import { withKasanSlabs } from "../slub/options/kasan.ts";
import {
  type Change,
  inTurn,
  onAllocator,
  onCommon,
  onSlab,
  onSlubLayer,
  type SystemClasses,
} from "./classes.ts";

/** The change that brings address checking. */
export function withKasan(Class = Quarantine): Change {
  const parts: QuarantineParts = { Quarantine: Class };
  return inTurn(
    (classes) => ({ ...classes, ...parts }),
    onCommon(({ Pages }) => ({ Pages: withKasanPages(Pages) })),
    onSlubLayer(withKasanSlabs),
    onSlab(withSlabKasan),
    onAllocator(withKasanObjects),
  );
}

/** A change of the quarantine of a table that has one. */
export function onQuarantine(change: (Class: typeof Quarantine) => typeof Quarantine): Change {
  return (classes) => {
    if (!("Quarantine" in classes)) return classes;
    const parts: QuarantineParts = { Quarantine: change(classes.Quarantine as typeof Quarantine) };
    return { ...classes, ...parts } as SystemClasses;
  };
}
