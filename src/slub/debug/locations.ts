// SPDX-License-Identifier: GPL-2.0-only
/**
 * The objects in use of a cache, grouped by the innermost caller (list_locations): the sysfs
 * files alloc_calls and free_calls, and the leak report of a library user.
 */

import { ENOSYS } from "../../caches/errno.ts";
import { SLAB_STORE_USER } from "../../caches/flags.ts";
import type { LiveObjects } from "../../caches/live-objects.ts";
import type { Track } from "../../caches/slab-report.ts";
import type { Address } from "../../machine/memory.ts";
import { KmemCache, type KmemCachePtr } from "../structs.ts";
import { walkSlabs } from "./slab-walk.ts";
import { siteOf, TRACK_ALLOC, TRACK_FREE, type TrackItem } from "./tracks.ts";
import type { ValidationParts } from "./validate.ts";

interface LiveObject {
  readonly object: Address;
  readonly nid: number;
  readonly track: Track | undefined;
}

/** alloc_calls: the text of the sysfs file, or -ENOSYS where users are not tracked. */
export function allocCalls(slub: ValidationParts, s: KmemCachePtr): string | number {
  return calls(slub, s, TRACK_ALLOC);
}

/** free_calls: the same, by the callers of the frees that came before these allocations. */
export function freeCalls(slub: ValidationParts, s: KmemCachePtr): string | number {
  return calls(slub, s, TRACK_FREE);
}

/**
 * The objects in use, most numerous site first. Sites are known, and objects of full slabs found,
 * only in a cache with SLAB_STORE_USER.
 */
export function liveObjects(slub: ValidationParts, s: KmemCachePtr): LiveObjects[] {
  const objectSize = slub.context.memory.read32(s + KmemCache.objectSize);
  return bySite(collect(slub, s, TRACK_ALLOC)).map(([site, objects]) => ({
    site,
    stack: objects[0]?.track?.stack ?? [],
    count: objects.length,
    bytes: objects.length * objectSize,
    addresses: objects.map(({ object }) => object).sort((a, b) => a - b),
  }));
}

function calls(slub: ValidationParts, s: KmemCachePtr, item: TrackItem): string | number {
  if (!slub.debugging.layout.has(s, SLAB_STORE_USER)) return -ENOSYS;
  const sites = bySite(collect(slub, s, item));
  if (sites.length === 0) return "No data\n";
  return sites.map(([site, objects]) => `${siteLine(slub, site, objects)}\n`).join("");
}

function siteLine(slub: ValidationParts, site: string, objects: readonly LiveObject[]): string {
  const { cpus, nodes } = slub.context.machine.options;
  const known = objects.flatMap(({ track }) => (track === undefined ? [] : [track]));
  const ages = known.map(({ age }) => age);
  let line = `${String(objects.length).padStart(7)} ${site}`;
  if (known.length > 0) {
    const mean = Math.floor(ages.reduce((sum, age) => sum + age, 0) / ages.length);
    const [youngest, oldest] = extremes(ages);
    line += youngest === oldest ? ` age=${oldest}` : ` age=${youngest}/${mean}/${oldest}`;
    line += ` pid=${range(known.map(({ task }) => task))}`;
    if (cpus > 1) line += ` cpus=${listOf(known.map(({ cpu }) => cpu))}`;
  }
  if (nodes > 1) line += ` nodes=${listOf(objects.map(({ nid }) => nid))}`;
  return line;
}

/** The least and the greatest. Math.min(...numbers) fails at some 100,000 arguments. */
function extremes(numbers: readonly number[]): [number, number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const number of numbers) {
    least = Math.min(least, number);
    most = Math.max(most, number);
  }
  return [least, most];
}

function range(numbers: readonly number[]): string {
  const [least, most] = extremes(numbers);
  return least === most ? `${least}` : `${least}-${most}`;
}

/** A list as cpumasks are printed: 0-2,5. */
function listOf(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

function collect(slub: ValidationParts, s: KmemCachePtr, item: TrackItem): LiveObject[] {
  const { debugging, context } = slub;
  const found: LiveObject[] = [];
  walkSlabs(slub, s, (page) => {
    const free = debugging.freelist.freeObjects(s, page);
    const nid = context.pages.pageToNid(page);
    for (const object of debugging.checks.objectsOf(s, page)) {
      if (free.has(object)) continue;
      found.push({ object, nid, track: debugging.tracks.get(s, object, item) });
    }
  });
  return found;
}

function bySite(objects: readonly LiveObject[]): [string, LiveObject[]][] {
  const sites = new Map<string, LiveObject[]>();
  for (const live of objects) {
    const site = siteOf(live.track);
    const known = sites.get(site);
    if (known === undefined) sites.set(site, [live]);
    else known.push(live);
  }
  return [...sites].sort(
    ([a, some], [b, others]) => others.length - some.length || (a < b ? -1 : 1),
  );
}
