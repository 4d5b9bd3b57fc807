// SPDX-License-Identifier: GPL-2.0-only
/** The totals of the kernel's slabinfo tool: all caches together, and how they differ. */
import type { CacheFacts } from "../sysfs/cache-facts.ts";
import { left, right, sizeText, spaceOf } from "./slabinfo.ts";

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

/** Caches without slabs are counted, and left out of the averages. */
export function totalsView(caches: readonly CacheFacts[]): string {
  const active = caches.filter((cache) => cache.slabs > 0);
  const of = (value: (cache: CacheFacts) => number) => active.map(value);
  const used = (cache: CacheFacts) => cache.objects * cache.object_size;
  const loss = (cache: CacheFacts) => spaceOf(cache) - used(cache);
  const objects = sum(of((cache) => cache.objects));
  const partialObjects = sum(of((cache) => cache.objects_partial));
  const lost = sum(of(loss));
  const memoryUsed = sum(of(used));
  const aliases = sum(caches.map((cache) => cache.links.length));
  const aliased = caches.filter((cache) => cache.links.length > 0).length;
  const share = (part: number, whole: number) => (whole === 0 ? 0 : (part * 100) / whole);
  const row = (
    name: string,
    values: number[],
    write: (value: number) => string,
    total = sum(values),
  ) => {
    const average = values.length === 0 ? 0 : Math.floor(sum(values) / values.length);
    const [least, most] = [Math.min(...values, Infinity), Math.max(...values, 0)];
    const columns = [average, Number.isFinite(least) ? least : 0, most, total];
    return `${left(name, 10)}${columns.map((value) => right(write(value), 17)).join("")}`;
  };
  const plain = (value: number) => String(Math.floor(value));
  return [
    "Slabcache Totals",
    "-".repeat(78),
    `Slabcaches : ${right(caches.length, 15)}   Aliases  : ${right(`${aliases}->${aliased}`, 15)}   Active: ${right(active.length, 6)}`,
    `Memory used: ${right(sizeText(memoryUsed), 15)}   # Loss   : ${right(sizeText(lost), 15)}   MRatio: ${right(`${Math.floor(share(lost, memoryUsed))}%`, 6)}`,
    `# Objects  : ${right(objects, 15)}   # PartObj: ${right(partialObjects, 15)}   ORatio: ${right(`${Math.floor(share(partialObjects, objects))}%`, 6)}`,
    "",
    `${left("Per Cache", 10)}${["Average", "Min", "Max", "Total"].map((name) => right(name, 17)).join("")}`,
    "-".repeat(78),
    row(
      "#Objects",
      of((cache) => cache.objects),
      plain,
    ),
    row(
      "#Slabs",
      of((cache) => cache.slabs),
      plain,
    ),
    row(
      "#PartSlab",
      of((cache) => cache.partial),
      plain,
    ),
    row(
      "%PartSlab",
      of((cache) => share(cache.partial, cache.slabs)),
      (v) => `${Math.floor(v)}%`,
      share(sum(of((cache) => cache.partial)), sum(of((cache) => cache.slabs))),
    ),
    row(
      "PartObjs",
      of((cache) => cache.objects_partial),
      plain,
    ),
    row("Memory", of(spaceOf), sizeText),
    row("Used", of(used), sizeText),
    row("Loss", of(loss), sizeText),
    "",
    `${left("Per Object", 10)}${["Average", "Min", "Max"].map((name) => right(name, 17)).join("")}`,
    "-".repeat(61),
    perObject("Memory", active, (cache) => cache.slab_size, objects),
    perObject("User", active, (cache) => cache.object_size, objects),
    perObject("Loss", active, (cache) => cache.slab_size - cache.object_size, objects),
    "",
  ].join("\n");
}

function perObject(
  name: string,
  caches: readonly CacheFacts[],
  bytes: (cache: CacheFacts) => number,
  objects: number,
): string {
  const sizes = caches.map(bytes);
  const total = sum(caches.map((cache) => bytes(cache) * cache.objects));
  const columns = [
    objects === 0 ? 0 : Math.floor(total / objects),
    sizes.length === 0 ? 0 : Math.min(...sizes),
    Math.max(...sizes, 0),
  ];
  return `${left(name, 10)}${columns.map((value) => right(sizeText(value), 17)).join("")}`;
}
