// SPDX-License-Identifier: GPL-2.0-only
/** A stress run as a page: the verdict, what each CPU did, locks, caches, counters, and the failure. */
import { stripVTControlCharacters } from "node:util";
import type { Outcome, StressOptions } from "../../stress/options.ts";
import { WORKLOADS } from "../../stress/workloads/index.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import { failureReport, stressCommandLine } from "./failure.ts";
import { html } from "./html.ts";
import { origin, page, type ReportSource, table, verdict } from "./page.ts";
import { operationsOf } from "./stress-json.ts";
import { count, share, size } from "./text.ts";

const LOCKS_SHOWN = 12;

export function stressHtml(
  options: StressOptions,
  outcome: Outcome,
  environment: ReportSource["environment"],
): string {
  const { failure, locks, memory, stats } = outcome;
  const { allocator, kernel, cpus, nodes, memory: bytes, workload, seed } = options;
  const { operations, seconds, operationsPerSecond, tasks } = outcome;
  const machine = `${allocator.toUpperCase()} of ${kernel}, ${cpus} CPUs, ${nodes} nodes, ${size(bytes)}, seed ${seed}`;
  const work = `${count(operations)} operations in ${seconds.toFixed(1)} s, ${count(operationsPerSecond)} a second, by ${tasks} tasks`;
  return page(`slablab stress ${workload}`, [
    `<h1>slablab stress: ${html(workload)}</h1>`,
    `<p>${html(WORKLOADS.get(workload)?.story ?? "")}</p>`,
    `<p>${html(`${machine}; ${work}.`)}</p>`,
    `<p class="verdict">${answer(outcome)}</p>`,
    failure === undefined ? "" : `<h2>The failure</h2><pre>${plain(options, failure)}</pre>`,
    "<h2>CPUs</h2>",
    cpuTable(options, outcome),
    "<h2>Locks</h2>",
    table(
      ["most waited for", "taken", "waited", ""],
      locks
        .slice(0, LOCKS_SHOWN)
        .map(({ lock, acquired, contended }) => [
          html(lock),
          count(acquired),
          count(contended),
          share(contended, acquired),
        ]),
    ),
    "<h2>Memory</h2>",
    `<p>${size((memory.totalPages - memory.freePages) * PAGE_SIZE)} of ${size(memory.totalPages * PAGE_SIZE)} in use, ${size(memory.slabPages * PAGE_SIZE)} by slabs, of which ${size(memory.lostBytes)} hold nothing.</p>`,
    table(
      ["cache", "active", "objects", "use", "bytes each", "slabs", "size"],
      memory.caches.map((cache) => [
        html(cache.name),
        count(cache.active),
        count(cache.objects),
        share(cache.active, cache.objects),
        count(cache.size),
        count(cache.slabs),
        size(cache.pages * PAGE_SIZE),
      ]),
    ),
    "<h2>Counters</h2>",
    table(
      ["counter", "all CPUs"],
      Object.entries(stats).map(([name, value]) => [html(name), count(value)]),
    ),
    origin({ command: stressCommandLine(options), environment }),
  ]);
}

function answer({ failure, died, interrupted, checks }: Outcome): string {
  if (failure !== undefined) return verdict("missed", `${failure.class}: ${failure.message}`);
  if (died !== undefined) return verdict("unsure", died);
  const watched = checks.ledger ? "every object was watched" : "objects were not watched";
  const audits = `${watched}, everything was audited ${count(checks.audits)} times`;
  return interrupted
    ? verdict("unsure", `interrupted; clean so far: ${audits}`)
    : verdict("met", `clean: ${audits}`);
}

function plain(options: StressOptions, failure: NonNullable<Outcome["failure"]>): string {
  return html(stripVTControlCharacters(failureReport(options, failure)).trim());
}

/** A bar for each CPU, since what is unequal shows at once. */
function cpuTable({ allocator }: StressOptions, { perCpu }: Outcome): string {
  const rows = perCpu.map((one) => ({
    ...one,
    operations: operationsOf(allocator, one.statistics),
  }));
  const most = Math.max(1, ...rows.map(({ operations }) => operations));
  return table(
    ["CPU", "node", "objects allocated and freed", ""],
    rows.map(({ cpu, node, operations }) => [
      String(cpu),
      String(node),
      count(operations),
      `<meter min="0" max="${most}" value="${operations}">${share(operations, most)}</meter>`,
    ]),
  );
}
