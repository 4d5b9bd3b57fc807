// SPDX-License-Identifier: GPL-2.0-only
/** A measurement as text: a table by allocator, the targets, changes against an older result. */
import type { Comparison } from "../../stress/scaling/compare.ts";
import { NATIVE_PEERS } from "../../stress/scaling/native/native.ts";
import { isDisturbed, type ScalePoint } from "../../stress/scaling/point.ts";
import type { ScaleOutcome, ScaleProgress } from "../../stress/scaling/run.ts";
import { type TargetRow, targetRows } from "../../stress/scaling/targets.ts";
import { columns, heading, share, styled } from "./text.ts";

/** `12.3`, with three figures that say something. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** `12.3 M/s` */
export function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${figure(perSecond / 1e6)} M/s`;
  return `${figure(perSecond / 1e3)} k/s`;
}

export function sizeName(bytes: number): string {
  return bytes === 0 ? "mixed" : `${bytes}`;
}

export function overloadWarning({ discarded, overloaded }: ScaleOutcome): string {
  if (!overloaded) return "";
  return (
    `This machine is overloaded: in ${share(discarded, 1)} of the windows a thread lost its core to ` +
    "somebody else. Those were thrown away; what is left is a hint, not a measurement.\n"
  );
}

/** Said where native allocators stand beside ours. */
const NATIVE_UNIT = `${NATIVE_PEERS.join(", ")}: x is to two locked instructions, which cost less than by Atomics; compare ns.\n`;

export function scaleReport(outcome: ScaleOutcome): string {
  const warning = overloadWarning(outcome);
  const byAllocator = Map.groupBy(outcome.points, ({ allocator }) => allocator);
  const tables = [...byAllocator].map(([name, points]) => heading(name) + pointTable(points));
  const leftOut = outcome.leftOut.map(
    ({ allocator, cpus, why }) =>
      `${allocator}${cpus === undefined ? "" : ` on ${cpus}`}: ${why}\n`,
  );
  const known = targetRows(outcome.points).filter(({ measured }) => measured !== undefined);
  return [
    warning === "" ? "" : `\n${styled("yellow", warning)}`,
    ...tables,
    ...(known.length === 0 ? [] : [heading("Targets"), targetTable(known)]),
    ...(leftOut.length === 0 ? [] : [heading("Left out"), ...leftOut]),
    `\n${outcome.points.length} points in ${figure(outcome.seconds)} s; ` +
      `${share(outcome.discarded, 1)} of the windows were preempted and not counted.\n` +
      "An operation is an object's whole life. x: to the cas pair measured beside it.\n" +
      "* more CPUs than cores: with the waiting for a core.\n",
    outcome.points.some(({ allocator }) => NATIVE_PEERS.includes(allocator)) ? NATIVE_UNIT : "",
  ].join("");
}

function pointTable(points: readonly ScalePoint[]): string {
  const heads = ["workload", "bytes", "CPUs", "ns/op", "p10", "p90", "x", "rate", "scaling"];
  const rows = points.map((point) => {
    const { median, p10, p90 } = point.nsPerOperation;
    return [
      point.workload,
      sizeName(point.size),
      `${point.cpus}${point.oversubscribed ? "*" : " "}`,
      ...[median, p10, p90, point.ratio].map(figure),
      isDisturbed(point) ? "–" : rate(point.operationsPerSecond),
      point.scaling === 0 ? "–" : figure(point.scaling),
    ];
  });
  return columns(heads, rows);
}

function bound({ atMost, atLeast }: TargetRow): string {
  return atMost === undefined ? `>= ${atLeast}` : `<= ${atMost}`;
}

export function targetTable(rows: readonly TargetRow[]): string {
  return columns(
    ["what", "measured", "target", "", ""],
    rows.map((row) => [
      row.what,
      row.measured === undefined ? "–" : figure(row.measured),
      bound(row),
      row.unit,
      verdict(row),
    ]),
  );
}

function verdict({ measured, met }: TargetRow): string {
  if (measured === undefined) return "";
  if (met === undefined) return "uncertain";
  return met ? styled("green", "met") : styled("red", "missed");
}

export function comparisonReport({ changes, unmatched, slower }: Comparison): string {
  const told = changes.filter(({ verdict }) => verdict !== "same");
  const rows = told.map((change) => [
    `${change.allocator} ${change.workload}`,
    sizeName(change.size),
    `${change.cpus}`,
    ...[change.oldRatio, change.newRatio, change.change].map(figure),
    `± ${figure(change.noise)}`,
    styled(change.verdict === "slower" ? "red" : "green", change.verdict),
  ]);
  const table =
    rows.length === 0
      ? "nothing beyond the noise\n"
      : columns(["point", "bytes", "CPUs", "was x", "is x", "change", "noise", ""], rows);
  return (
    heading("Against the older result") +
    table +
    `${changes.length} points compared, ${slower} slower; ${unmatched} are in one result only\n`
  );
}

export function scaleProgress({ done, of, point, secondsLeft }: ScaleProgress): string {
  const { allocator, workload, size, cpus } = point;
  const left = done === 0 ? "" : `, ${time(secondsLeft)} left`;
  return `${done + 1}/${of} ${allocator}: ${workload}, ${sizeName(size)} bytes, ${cpus} CPUs${left}`;
}

function time(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
