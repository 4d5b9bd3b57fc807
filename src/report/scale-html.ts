// SPDX-License-Identifier: GPL-2.0-only
/**
 * A measurement as one HTML file that needs nothing else: pictures, the numbers behind them, how
 * they were taken. Light or dark, as its reader has it.
 */
import { isDisturbed, PERCENTILES, type ScalePoint } from "../../stress/scaling/point.ts";
import type { ScaleOutcome } from "../../stress/scaling/run.ts";
import { type TargetRow, targetRows } from "../../stress/scaling/targets.ts";
import { html } from "./html.ts";
import { environmentList, page, type ReportSource, table } from "./page.ts";
import { drawSvg } from "./plots.ts";
import { type Plot, plotsOf } from "./scale-plots.ts";
import { figure, overloadWarning, rate, sizeName } from "./scale-text.ts";

export async function scaleHtml(outcome: ScaleOutcome, source: ReportSource): Promise<string> {
  const figures = await Promise.all(plotsOf(outcome.points).map(plotFigure));
  const warning = overloadWarning(outcome);
  const targets = targetRows(outcome.points).filter(({ measured }) => measured !== undefined);
  const body = [
    "<h1>slablab scale</h1>",
    "<p>What an allocation and its free cost, and how that grows with CPUs.</p>",
    warning === "" ? "" : `<p class="warn" role="alert">${html(warning)}</p>`,
    ...figures,
    targets.length === 0 ? "" : `<h2>Targets</h2>${targetsTable(targets)}`,
    "<h2>The numbers</h2>",
    ...[...Map.groupBy(outcome.points, ({ allocator }) => allocator)].map(pointsTable),
    latencyTable(outcome.points),
    ...leftOut(outcome),
    `<h2>How it was measured</h2>${method(outcome, source)}`,
  ];
  return page("slablab scale", body);
}

async function plotFigure({ name, title, reading, spec }: Plot): Promise<string> {
  const svg = await drawSvg(spec, "page");
  const caption = `<figcaption>${html(title)}<span>${html(reading)}</span></figcaption>`;
  return `<figure id="${name}">${caption}${svg}</figure>`;
}

function targetsTable(rows: readonly TargetRow[]): string {
  const heads = ["what", "measured", "target", "unit", ""];
  return table(
    heads,
    rows.map(({ what, measured, atMost, atLeast, unit, met }) => [
      html(what),
      measured === undefined ? "–" : figure(measured),
      atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`,
      html(unit),
      met === undefined
        ? "uncertain"
        : met
          ? '<span class="met">met</span>'
          : '<span class="missed">missed</span>',
    ]),
  );
}

function pointsTable([name, points]: [string, readonly ScalePoint[]]): string {
  const heads = [
    ...["workload", "bytes", "CPUs", "ns/op", "p10", "p90", "cas pairs", "cas pair, ns"],
    ...["rate", "scaling", "windows", "preempted"],
  ];
  const rows = points.map((point) => [
    html(point.workload),
    sizeName(point.size),
    `${point.cpus}${point.oversubscribed ? " *" : ""}`,
    figure(point.nsPerOperation.median),
    figure(point.nsPerOperation.p10),
    figure(point.nsPerOperation.p90),
    figure(point.ratio),
    figure(point.casPair),
    isDisturbed(point) ? "–" : rate(point.operationsPerSecond),
    point.scaling === 0 ? "–" : figure(point.scaling),
    `${point.windows}`,
    `${point.discarded}`,
  ]);
  return `<details open><summary>${html(name)}</summary>${table(heads, rows)}</details>`;
}

function latencyTable(points: readonly ScalePoint[]): string {
  const timed = points.filter(({ latencies }) => latencies !== undefined);
  if (timed.length === 0) return "";
  const rows = timed.map(({ allocator, workload, size, cpus, latencies = [] }) => [
    html(`${allocator} ${workload}`),
    sizeName(size),
    `${cpus}`,
    ...latencies.map(figure),
  ]);
  const heads = ["point", "bytes", "CPUs", ...PERCENTILES.map((p) => `p${p}, ns`)];
  return `<details><summary>Latencies of single operations</summary>${table(heads, rows)}</details>`;
}

function leftOut({ leftOut }: ScaleOutcome): string[] {
  return leftOut.map(
    ({ allocator, cpus, why }) =>
      `<p>${html(`${allocator}${cpus === undefined ? "" : ` on ${cpus} CPUs`} was left out: ${why}`)}.</p>`,
  );
}

function method(outcome: ScaleOutcome, { command, environment }: ReportSource): string {
  return (
    `<pre>${html(command)}</pre>` +
    "<p>An operation is an object's whole life, allocated and freed. Threads start at a barrier, warm " +
    "up, and work in short windows; beside each stands a stretch of cas pairs, two bare " +
    "compare-and-swaps on a word of one's own. Costs are medians of windows; a window in which the " +
    "thread lost its core is thrown away, which happened in " +
    `${figure(100 * outcome.discarded)} % of them. Points marked * have more simulated CPUs than ` +
    "cores and include the waiting for one. Rates are by the clock on the wall. Every subject runs in " +
    `isolates of its own.</p>${environmentList(environment)}`
  );
}
