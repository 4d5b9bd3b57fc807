// SPDX-License-Identifier: GPL-2.0-only
/** What memory groups exchange in a table, by how its kernel charges them. */
import type { KernelVersion } from "../caches/kernel-version.ts";
import { since } from "../caches/kernel-version.ts";
import { ChildCaches } from "../caches/memcg/child-caches.ts";
import { ObjCgroups } from "../caches/memcg/obj-cgroups.ts";
import { SlabObjExts } from "../caches/memcg/slab-obj-exts.ts";
import { withChildCaches } from "../caches/memcg/with-child-caches.ts";
import { withObjectCharging } from "../caches/memcg/with-object-charging.ts";
import { withChargedRcuSheaves } from "../slub/sheaves/memcg.ts";
import { type Change, inTurn, onAllocator, onSheafParts, type SystemClasses } from "./classes.ts";

/** The class that the groups of a table are made of. */
interface GroupParts<G> {
  Groups: G;
}

/** The change that brings groups, as that kernel has them. */
export function withGroups(kernel: KernelVersion): Change {
  if (!since(kernel, "5.9")) return inTurn(made(ChildCaches), onAllocator(withChildCaches));
  return inTurn(
    made(since(kernel, "6.10") ? SlabObjExts : ObjCgroups),
    onAllocator(withObjectCharging),
    onSheafParts(withChargedRcuSheaves),
  );
}

function made(Groups: typeof ChildCaches | typeof ObjCgroups): Change {
  const parts: GroupParts<typeof Groups> = { Groups };
  return (classes) => ({ ...classes, ...parts });
}

/** A change of the groups of a table that has them; `G` is the class that its kernel has. */
export function onGroups<G>(change: (Groups: G) => G): Change {
  return (classes) => {
    if (!("Groups" in classes)) return classes;
    const parts: GroupParts<G> = { Groups: change(classes.Groups as G) };
    return { ...classes, ...parts } as SystemClasses;
  };
}
