// SPDX-License-Identifier: GPL-2.0-only
/**
 * The totals of the kernel's slabinfo tool (slabinfo -T): all caches together, and how they differ.
 * As in the tool, the average of PartObjs is a share of all objects in percent.
 */
import type { CacheFacts } from "../sysfs/cache-facts.ts";
import { isWide, percent, right, sizeText, spaceOf, type ToolOf } from "./slabinfo.ts";

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

/** Caches without slabs are counted, and left out of the averages. */
export function totalsView(caches: readonly CacheFacts[], tool: ToolOf): string {
  const active = caches.filter((cache) => cache.slabs > 0);
  const of = (value: (cache: CacheFacts) => number) => active.map(value);
  const total = (value: (cache: CacheFacts) => number) => sum(of(value));
  const used = (cache: CacheFacts) => cache.objects * cache.object_size;
  const loss = (cache: CacheFacts) => spaceOf(cache) - used(cache);
  const objects = total((cache) => cache.objects);
  if (objects === 0) return "No objects\n";
  if (active.length === 0) return "No slabs\n";
  const partialObjects = total((cache) => cache.objects_partial);
  const slabs = total((cache) => cache.slabs);
  const partial = total((cache) => cache.partial);
  const width = isWide(tool) ? 15 : 10;
  const cells = (values: readonly number[], unit: string) =>
    values.map((value) => `${right(sizeText(Math.floor(value)), width)}${unit}`);
  const row = (
    name: string,
    values: readonly number[],
    whole: number,
    average = sum(values) / active.length,
  ) => {
    const unit = name.startsWith("%") ? "%" : "";
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return `${name.padEnd(10 - unit.length)}${cells([average, least, most, whole], unit).join(unit === "" ? "  " : " ")}`;
  };
  const all = (name: string, value: (cache: CacheFacts) => number) =>
    row(name, of(value), total(value));
  return [
    "Slabcache Totals",
    "-".repeat(16),
    ...head(caches, active.length, { used: total(spaceOf), loss: total(loss), tool }, [
      objects,
      partialObjects,
      percent(total(loss), total(used)),
    ]),
    "",
    isWide(tool)
      ? "Per Cache         Average              Min              Max            Total"
      : "Per Cache    Average         Min         Max       Total",
    "-".repeat(isWide(tool) ? 76 : 57),
    all("#Objects", (cache) => cache.objects),
    all("#Slabs", (cache) => cache.slabs),
    all("#PartSlab", (cache) => cache.partial),
    row(
      "%PartSlab",
      of((cache) => percent(cache.partial, cache.slabs)),
      percent(partial, slabs),
    ),
    row(
      "PartObjs",
      of((cache) => cache.objects_partial),
      partialObjects,
      percent(partialObjects, objects),
    ),
    row(
      "% PartObj",
      of((cache) => percent(cache.objects_partial, cache.objects)),
      percent(partialObjects, objects),
    ),
    all("Memory", spaceOf),
    all("Used", used),
    all("Loss", loss),
    "",
    isWide(tool)
      ? "Per Object        Average              Min              Max"
      : "Per Object   Average         Min         Max",
    "-".repeat(isWide(tool) ? 59 : 45),
    ...[
      ["Memory", (cache: CacheFacts) => cache.slab_size] as const,
      ["User", (cache: CacheFacts) => cache.object_size] as const,
      ["Loss", (cache: CacheFacts) => cache.slab_size - cache.object_size] as const,
    ].map(([name, bytes]) => {
      const average = total((cache) => bytes(cache) * cache.objects) / objects;
      const sizes = of(bytes);
      return `${name.padEnd(10)}${cells([average, Math.min(...sizes), Math.max(...sizes)], "").join("  ")}`;
    }),
    "",
  ].join("\n");
}

function head(
  caches: readonly CacheFacts[],
  active: number,
  { used, loss, tool }: { used: number; loss: number; tool: ToolOf },
  [objects = 0, partialObjects = 0, lost = 0]: readonly number[],
): string[] {
  const aliases = sum(caches.map((cache) => cache.links.length));
  const targets = caches.filter((cache) => cache.links.length > 0).length;
  const width = isWide(tool) ? 15 : 6;
  const cell = (value: number) => right(sizeText(value), width);
  const share = (value: number) => right(sizeText(value), 6);
  const first = isWide(tool)
    ? `Slabcaches : ${right(caches.length, 15)}   Aliases  : ${right(aliases, 11)}->${String(targets).padEnd(3)}  Active:    ${right(active, 3)}`
    : `Slabcaches : ${right(caches.length, 3)}      Aliases  : ${right(aliases, 3)}->${String(targets).padEnd(3)} Active: ${right(active, 3)}`;
  return [
    first,
    `Memory used: ${cell(used)}   # Loss   : ${cell(loss)}   MRatio:${share(lost)}%`,
    `# Objects  : ${cell(objects)}   # PartObj: ${cell(partialObjects)}   ORatio:${share(percent(partialObjects, objects))}%`,
  ];
}
