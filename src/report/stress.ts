// SPDX-License-Identifier: GPL-2.0-only
/** The report of a stress run, for people: operations, paths, locks, memory, and the checks. */
import type { Outcome, StressOptions, StressProgress } from "../../stress/options.ts";
import { WORKLOADS } from "../../stress/workloads/index.ts";
import { since } from "../caches/kernel-version.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import type { StatName } from "../slub/statistics.ts";
import { dmesgText } from "./dmesg.ts";
import { failureReport } from "./failure.ts";
import { leaksText } from "./leaks.ts";
import { sheafSections } from "./stress-sheaves.ts";
import { slabSections } from "./stress-slab.ts";
import { columns, count, facts, heading, share, size, styled } from "./text.ts";

type SlubStatistics = Record<StatName, number>;

const CACHES_SHOWN = 8;
const LOCKS_SHOWN = 6;
/** Lines of the console that are shown of a run that failed. */
const DMESG_SHOWN = 60;

/** One line, while the run goes on. */
export function stressProgress(options: StressOptions, progress: StressProgress): string {
  const { seconds, operations } = progress;
  const goal =
    options.operations === undefined
      ? `of ${options.seconds} s`
      : `of ${count(options.operations)} operations`;
  const pace = seconds > 0 ? count(operations / seconds) : "0";
  return `${options.workload}: ${seconds.toFixed(1)} s, ${count(operations)} operations (${goal}), ${pace}/s`;
}

/** The whole report. */
export function stressReport(options: StressOptions, outcome: Outcome): string {
  const parts = [
    summary(options, outcome),
    sections(options, outcome),
    locks(outcome),
    memory(outcome),
    verdicts(outcome),
  ];
  if (options.leaks === true) parts.push(leaksText(outcome.leaks));
  if (options.dmesg === true) parts.push(dmesgText(outcome.dmesg));
  else if (outcome.failure !== undefined) parts.push(dmesgText(outcome.dmesg.slice(-DMESG_SHOWN)));
  if (outcome.failure !== undefined) parts.push(failureReport(options, outcome.failure));
  return parts.join("");
}

function summary(options: StressOptions, outcome: Outcome): string {
  const { operations, seconds, operationsPerSecond, tasks, refused, injectedEvents } = outcome;
  const machine = [
    ...(options.allocator === "slab" ? [`SLAB of ${options.kernel}`] : []),
    plural(options.cpus, "CPU"),
    plural(options.nodes, "node"),
    size(options.memory),
    `seed ${options.seed}`,
    ...(options.era === "fixed" ? [] : [`era ${options.era}`]),
    ...(options.debug === undefined ? [] : [`debug ${options.debug}`]),
    ...(options.mutation === undefined ? [] : [`mutation ${options.mutation}`]),
  ].join(", ");
  const lines = [
    `${styled("bold", `slablab stress: ${options.workload}`)} on ${machine}`,
    styled("dim", WORKLOADS.get(options.workload)?.story ?? ""),
    "",
    `  ${count(operations)} operations in ${seconds.toFixed(1)} s, ${count(operationsPerSecond)} a second, by ${plural(tasks, "task")}`,
  ];
  if (injectedEvents.interrupts + injectedEvents.preemptions + injectedEvents.delays > 0) {
    lines.push(
      `  torture: ${count(injectedEvents.interrupts)} interrupts, ${count(injectedEvents.preemptions)} preemptions, ${count(injectedEvents.migrations)} migrations, ${count(injectedEvents.delays)} delays`,
    );
  }
  const { injected, hotplug } = outcome;
  if (injected.slab + injected.pages > 0) {
    lines.push(
      `  failed on purpose: ${count(injected.slab)} allocations of objects, ${count(injected.pages)} requests for pages`,
    );
  }
  if (hotplug.gone > 0) {
    lines.push(`  ${plural(hotplug.gone, "CPU")} went, ${count(hotplug.back)} came back`);
  }
  if (outcome.policyChanges > 0) {
    lines.push(`  ${count(outcome.policyChanges)} changes of memory policies and cpusets`);
  }
  const { critical, shrunk } = outcome.reserves;
  if (critical > 0) {
    lines.push(
      `  ${count(critical)} critical allocations, ${count(shrunk)} objects given up by shrinkers`,
    );
  }
  if (outcome.groups.made > 0) {
    const { made, killed } = outcome.groups;
    lines.push(`  ${plural(made, "memory group")} made, ${count(killed)} killed under load`);
  }
  for (const { task, doing, held, remains } of outcome.deaths) {
    const what = held === undefined ? "" : `, holding ${plural(held, "object")}`;
    lines.push(`  ${styled("yellow", `task ${task} died`)} at ${doing}${what}; the others went on`);
    for (const remain of remains) lines.push(`    in its hands: ${remain}`);
  }
  if (refused > 0) lines.push(`  ${count(refused)} allocations found no memory and were refused`);
  if (outcome.interrupted)
    lines.push(`  ${styled("yellow", "interrupted: this is what was done so far")}`);
  return `${lines.join("\n")}\n`;
}

function plural(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

function sections(options: StressOptions, outcome: Outcome): string {
  if (options.allocator === "slab") return slabSections(outcome);
  return since(options.kernel, "7.0") ? sheafSections(outcome) : slubSections(outcome);
}

function slubSections(outcome: Outcome): string {
  const stats = outcome.stats as SlubStatistics;
  return cpus(outcome) + paths(stats) + partials(stats);
}

function cpus(outcome: Outcome): string {
  const rows = outcome.perCpu.map(({ cpu, node, statistics }) => {
    const s = statistics as SlubStatistics;
    const allocations = s.alloc_fastpath + s.alloc_slowpath;
    const frees = s.free_fastpath + s.free_slowpath;
    return [
      `CPU ${cpu}`,
      String(node),
      count(allocations),
      share(s.alloc_fastpath, allocations),
      count(frees),
      share(s.free_fastpath, frees),
      count(s.cmpxchg_double_cpu_fail),
      count(s.cmpxchg_double_fail),
    ];
  });
  const heads = ["", "node", "allocations", "fast", "frees", "fast", "cpu races", "page races"];
  return heading("CPUs") + columns(heads, rows);
}

function paths(s: SlubStatistics): string {
  const allocations = s.alloc_fastpath + s.alloc_slowpath;
  const frees = s.free_fastpath + s.free_slowpath;
  return (
    heading("Paths") +
    facts([
      ["alloc, fast", count(s.alloc_fastpath), share(s.alloc_fastpath, allocations)],
      ["alloc, slow", count(s.alloc_slowpath), share(s.alloc_slowpath, allocations)],
      ["  refilled from the own slab", count(s.alloc_refill), "others had freed into it"],
      ["  next cpu partial slab", count(s.cpu_partial_alloc)],
      ["  node partial slab", count(s.alloc_from_partial)],
      ["  new slab", count(s.alloc_slab), fallbacks(s.order_fallback)],
      ["  wrong node", count(s.alloc_node_mismatch)],
      ["free, fast", count(s.free_fastpath), share(s.free_fastpath, frees)],
      [
        "free, slow",
        count(s.free_slowpath),
        `${share(s.free_slowpath, frees)}, not the own cpu slab`,
      ],
      ["  into a frozen slab", count(s.free_frozen), "its CPU will find it"],
      ["  slab became partial", count(s.cpu_partial_free), "frozen onto the cpu partial list"],
      ["slabs given back", count(s.free_slab), share(s.free_slab, s.alloc_slab)],
      [
        "lost races, this CPU",
        count(s.cmpxchg_double_cpu_fail),
        "interrupt, preemption or migration",
      ],
      ["lost races, a page", count(s.cmpxchg_double_fail), "another CPU was there first"],
    ])
  );
}

function fallbacks(n: number): string {
  return n === 0 ? "" : `${count(n)} of a smaller order`;
}

function partials(s: SlubStatistics): string {
  return (
    heading("Partial slabs") +
    facts([
      ["cpu list: put", count(s.cpu_partial_free)],
      ["cpu list: filled from a node", count(s.cpu_partial_node)],
      ["cpu list: taken", count(s.cpu_partial_alloc)],
      ["cpu list: drained to nodes", count(s.cpu_partial_drain)],
      ["node list: added by a free", count(s.free_add_partial)],
      ["node list: removed by a free", count(s.free_remove_partial)],
      [
        "deactivated",
        count(s.deactivate_full + s.deactivate_empty + s.deactivate_to_head + s.deactivate_to_tail),
        `${count(s.deactivate_full)} full, ${count(s.deactivate_empty)} empty, ${count(s.deactivate_to_head)} to head, ${count(s.deactivate_to_tail)} to tail`,
      ],
      ["bypassed", count(s.deactivate_bypass), "was full when its CPU left it"],
      ["flushed", count(s.cpuslab_flush)],
    ])
  );
}

function locks(outcome: Outcome): string {
  const shown = outcome.locks.slice(0, LOCKS_SHOWN);
  const acquired = outcome.locks.reduce((sum, lock) => sum + lock.acquired, 0);
  const rows = shown.map((lock) => [
    lock.lock,
    count(lock.acquired),
    count(lock.contended),
    share(lock.contended, lock.acquired),
  ]);
  const perOperation = share(acquired, outcome.operations);
  return (
    heading(`Locks: ${count(acquired)} taken, ${perOperation} of operations`) +
    columns(["most waited for", "taken", "waited", ""], rows)
  );
}

function memory({ memory: m }: Outcome): string {
  const slabBytes = m.slabPages * PAGE_SIZE;
  const rows = m.caches
    .slice(0, CACHES_SHOWN)
    .map((cache) => [
      cache.name,
      count(cache.active),
      count(cache.objects),
      share(cache.active, cache.objects),
      count(cache.size),
      count(cache.slabs),
      size(cache.pages * PAGE_SIZE),
    ]);
  const title = `Memory: ${size((m.totalPages - m.freePages) * PAGE_SIZE)} of ${size(m.totalPages * PAGE_SIZE)} in use, ${size(slabBytes)} by slabs, of which ${size(m.lostBytes)} (${share(m.lostBytes, slabBytes)}) hold nothing`;
  return (
    heading(title) +
    columns(["largest caches", "active", "objects", "use", "bytes each", "slabs", "size"], rows)
  );
}

function verdicts(outcome: Outcome): string {
  const { checks, failure, died } = outcome;
  const good = failure === undefined && died === undefined;
  const verdict = good
    ? styled("green", "clean")
    : failure === undefined
      ? styled("yellow", "cut short")
      : styled("red", "FAILED");
  const rows: [string, string, string?][] = [
    checks.ledger
      ? ["ledger", verdict, "every object was watched"]
      : ["ledger", "off", "objects were not watched"],
    [
      "audit",
      checks.audits === 0 ? "not reached" : verdict,
      `${plural(checks.audits, "walk")} over everything`,
    ],
    [
      "after",
      checks.allCameBack || (good && outcome.deaths.length > 0) ? verdict : "not reached",
      outcome.deaths.length > 0
        ? "all freed, all shrunk: dead tasks hold the rest"
        : "all freed, all shrunk: no slab stays, every page is back",
    ],
  ];
  return (
    heading("Checks") +
    rows
      .map(
        ([name, value, remark]) => `  ${name.padEnd(8)}${value}  ${styled("dim", remark ?? "")}\n`,
      )
      .join("")
  );
}
