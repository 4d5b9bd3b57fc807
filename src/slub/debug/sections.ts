// SPDX-License-Identifier: GPL-2.0-only
/**
 * The parts of an object as a report shows them (print_trailer): the bytes before it, the object, its
 * red zones, its padding. Read once, when the report is made, before the repair.
 */

import { SLAB_RED_ZONE } from "../../caches/flags.ts";
import type { Section } from "../../caches/slab-report.ts";
import { PAGE_SIZE } from "../../machine/machine.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import type { KmemCachePtr } from "../structs.ts";
import type { ObjectLayout } from "./object-layout.ts";

/** How many bytes before an object are shown. */
const BYTES_BEFORE = 16;

export function section(memory: Memory, name: string, at: Address, length: number): Section {
  return { name, at, bytes: Array.from({ length }, (_, i) => memory.read8(at + i)) };
}

/** `object` may be anywhere in the slab, or even outside of it. */
export function objectSections(
  { memory, layout }: { readonly memory: Memory; readonly layout: ObjectLayout },
  s: KmemCachePtr,
  object: Address,
  slab: { readonly start: Address; readonly end: Address },
): Section[] {
  const sections: Section[] = [];
  const add = (name: string, from: number, to: number): void => {
    const first = Math.max(object + from, slab.start);
    const end = Math.min(object + to, slab.end);
    if (end > first) sections.push(section(memory, name, first, end - first));
  };
  const left = layout.redLeftPad(s);
  const objectSize = layout.objectSize(s);
  if (layout.has(s, SLAB_RED_ZONE) && left > 0) add("Redzone", -left, 0);
  else if (object > slab.start + BYTES_BEFORE) add("Bytes b4", -BYTES_BEFORE, 0);
  add("Object", 0, Math.min(objectSize, PAGE_SIZE));
  if (layout.has(s, SLAB_RED_ZONE)) add("Redzone", objectSize, layout.inuse(s));
  add("Padding", layout.paddingStart(s), layout.paddingEnd(s));
  return sections;
}
