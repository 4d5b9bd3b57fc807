// SPDX-License-Identifier: GPL-2.0-only
/** What a person's own dump of slab caches means, for people. */
import type { Explanation, Remark } from "../sysfs/dump/explain.ts";
import type { Dump } from "../sysfs/dump/row.ts";
import { columns, count, facts, heading, share, size, styled } from "./text.ts";

const CACHES_SHOWN = 10;
const NAMES: Readonly<Record<string, string>> = { slub: "SLUB", slab: "SLAB" };

export function dumpReport(dump: Dump, explanation: Explanation): string {
  return [
    head(dump, explanation),
    totals(explanation),
    largest(explanation),
    rules(explanation),
    remarks("Only debugging explains", explanation.debugged),
    remarks("No flags explain", explanation.unexplained),
    remarks("Slabs of a smaller order", explanation.small),
    unread(dump),
  ].join("");
}

function head(dump: Dump, { pageSize }: Explanation): string {
  const { format, rows, allocator, notes = [] } = dump;
  const facts = [
    format,
    `${count(rows.length)} ${rows.length === 1 ? "cache" : "caches"}`,
    ...(allocator === undefined ? [] : [String(NAMES[allocator])]),
    ...(pageSize === 4096 ? [] : [`pages of ${size(pageSize)}`]),
  ];
  return [styled("bold", facts.join(", ")), ...notes.map((note) => `  ${note}`), ""].join("\n");
}

function totals({ caches, objects, slabs }: Explanation): string {
  if (caches.length === 0) return "";
  const sum = (of: (cache: (typeof caches)[number]) => number) =>
    caches.reduce((total, cache) => total + of(cache), 0);
  const bytes = sum((cache) => cache.bytes);
  const used = sum((cache) => cache.used);
  const waste = sum((cache) => cache.waste);
  return (
    heading("Totals") +
    facts([
      ...(objects.total === 0
        ? []
        : [
            ["objects", count(objects.total)] as const,
            ["  in use", count(objects.active), share(objects.active, objects.total)] as const,
          ]),
      ...(slabs === 0 ? [] : [["slabs", count(slabs)] as const]),
      ["memory", size(bytes)],
      ["  in use", size(used), share(used, bytes)],
      ["  waste", size(waste), share(waste, bytes)],
    ])
  );
}

function largest({ caches }: Explanation): string {
  if (caches.length === 0) return "";
  const rows = caches
    .slice(0, CACHES_SHOWN)
    .map(({ name, bytes, used, waste }) => [
      name,
      size(bytes),
      size(used),
      size(waste),
      share(waste, bytes),
    ]);
  return heading("Largest caches") + columns(["", "memory", "in use", "waste", ""], rows);
}

function rules({ fits, shaped, incomparable }: Explanation): string {
  if (incomparable !== undefined) {
    return `${heading("Rules")}  none are compared: ${incomparable}\n`;
  }
  const rows = fits.map(({ allocator, kernel, cpus, mostCpus, fitting }) => {
    const machine = allocator === "slub" ? cpusText(cpus, mostCpus) : "";
    return [
      `${NAMES[allocator]} of ${kernel}`,
      `${fitting} of ${shaped} ${shaped === 1 ? "cache" : "caches"}`,
      machine,
    ] as const;
  });
  return heading("Shapes as in") + facts(rows);
}

/** How many CPUs the machine may have; nothing where any number fits. */
function cpusText(least: number, most: number | undefined): string {
  if (most === undefined) return least === 1 ? "" : `with ${least} CPUs or more`;
  if (most === least) return `with ${least} CPU${least === 1 ? "" : "s"}`;
  return `with ${least} to ${most} CPUs`;
}

function remarks(title: string, all: readonly Remark[]): string {
  if (all.length === 0) return "";
  return `${heading(title)}${all.map(({ name, text }) => `  ${name}: ${text}\n`).join("")}`;
}

function unread({ unread: lines }: Dump): string {
  const [first] = lines;
  if (first === undefined) return "";
  const what = lines.length === 1 ? "1 line was" : `${lines.length} lines were`;
  return `\n${styled("yellow", `${what} not understood, the first is line ${first.number}`)}: ${first.text.slice(0, 60)}\n`;
}
