// SPDX-License-Identifier: GPL-2.0-only
/** The counts of `scale --model` as a table. */
import type { ModelPoint } from "../../stress/model/model.ts";
import { figure, sizeName } from "./scale-text.ts";
import { columns, heading } from "./text.ts";

const HEADS = [
  ...["workload", "bytes", "CPUs", "accesses", "locked", "locks"],
  ...["transfers", "far", "needless", "ns", "of it waiting"],
];

export function modelReport(points: readonly ModelPoint[]): string {
  const tables = Map.groupBy(points, ({ allocator, kernel }) => `${allocator}, Linux ${kernel}`);
  const text = [...tables].map(([name, of]) => heading(name) + columns(HEADS, of.map(rowOf)));
  const lines = points.flatMap(linesOf);
  if (lines.length > 0) {
    const heads = ["allocator", "workload", "CPUs", "line", "transfers", "needless"];
    text.push(heading("Lines that moved though the wanted word had not changed"));
    text.push(columns(heads, lines));
  }
  return `${text.join("")}\nAll counts are per operation, an object's whole life; ns is their price.\n`;
}

function rowOf(point: ModelPoint): string[] {
  return [
    ...[point.workload, sizeName(point.size), `${point.cpus}`],
    ...[point.accesses, point.locked, point.locks, point.transfers].map(figure),
    ...[point.far, point.needless, point.ns, point.lockWait].map(figure),
  ];
}

/** A line counts as one that should be laid out anew from this many needless transfers on. */
const WORTH_SAYING = 0.01;

function linesOf({ allocator, workload, cpus, lines }: ModelPoint): string[][] {
  return lines
    .filter(({ needless }) => needless >= WORTH_SAYING)
    .map(({ name, transfers, needless }) => [
      ...[allocator, workload, `${cpus}`, name, figure(transfers), figure(needless)],
    ]);
}
