// SPDX-License-Identifier: GPL-2.0-only
/**
 * A measurement as one HTML file that needs nothing else: pictures, the numbers behind them, how
 * they were taken. Light or dark, as its reader has it.
 */
import { isDisturbed, PERCENTILES, type ScalePoint } from "../../stress/scaling/point.ts";
import type { ScaleOutcome } from "../../stress/scaling/run.ts";
import { type TargetRow, targetRows } from "../../stress/scaling/targets.ts";
import { html } from "./html.ts";
import { drawSvg } from "./plots.ts";
import { type Plot, plotsOf } from "./scale-plots.ts";
import { figure, overloadWarning, rate, sizeName } from "./scale-text.ts";

const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1f2328; --faint: #59636e; --rule: #d1d9e0;
  --warn: #fff3cd; --good: #1a7f37; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --faint: #9198a1;
  --rule: #3d444d; --warn: #3a2d00; --good: #3fb950; --bad: #ff7b72; } }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1rem 4rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; } h2 { margin: 2.5rem 0 .5rem; font-size: 1.25rem; }
figure { margin: 2rem 0; overflow-x: auto; } figcaption { font-weight: 600; margin-bottom: .5rem; }
figcaption span { display: block; font-weight: 400; color: var(--faint); font-size: .9rem; }
svg { max-width: 100%; height: auto; }
p, dl { max-width: 46rem; } .warn { background: var(--warn); padding: .75rem 1rem; border-radius: 6px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .875rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .75rem; text-align: right; border-bottom: 1px solid var(--rule);
  white-space: nowrap; } th { color: var(--faint); font-weight: 500; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.met { color: var(--good); } .missed { color: var(--bad); }
summary { cursor: pointer; margin: .5rem 0; } pre { overflow-x: auto; padding: .75rem 1rem;
  border: 1px solid var(--rule); border-radius: 6px; } dt { color: var(--faint); } dd { margin: 0 0 .4rem; }
`;

export interface ReportSource {
  /** The command line that made it. */
  readonly command: string;
  readonly environment: Readonly<Record<string, unknown>>;
}

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
  return (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width, initial-scale=1">' +
    `<title>slablab scale</title><style>${STYLE}</style></head>\n<body>\n${body.join("\n")}\n</body></html>\n`
  );
}

async function plotFigure({ name, title, reading, spec }: Plot): Promise<string> {
  const svg = await drawSvg(spec, "page");
  const caption = `<figcaption>${html(title)}<span>${html(reading)}</span></figcaption>`;
  return `<figure id="${name}">${caption}${svg}</figure>`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join("")}</tr>`;
  const body = rows.map((row) => line(row, "td")).join("");
  return `<div class="scroll"><table><thead>${line(heads, "th")}</thead><tbody>${body}</tbody></table></div>`;
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
      `<p>${html(`${allocator} on ${cpus} CPUs was left out: ${why}`)}.</p>`,
  );
}

function method(outcome: ScaleOutcome, { command, environment }: ReportSource): string {
  const facts = Object.entries(environment).map(
    ([name, value]) => `<dt>${html(name)}</dt><dd>${html(`${value}`)}</dd>`,
  );
  return (
    `<pre>${html(command)}</pre>` +
    "<p>An operation is an object's whole life, allocated and freed. Threads start at a barrier, warm " +
    "up, and work in short windows; beside each stands a stretch of cas pairs, two bare " +
    "compare-and-swaps on a word of one's own. Costs are medians of windows; a window in which the " +
    "thread lost its core is thrown away, which happened in " +
    `${figure(100 * outcome.discarded)} % of them. Points marked * have more simulated CPUs than ` +
    "cores and include the waiting for one. Rates are by the clock on the wall. Every subject runs in " +
    `isolates of its own.</p><dl>${facts.join("")}</dl>`
  );
}
