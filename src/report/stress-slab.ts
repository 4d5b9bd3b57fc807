// SPDX-License-Identifier: GPL-2.0-only
/** SLAB's counters of a stress run, explained: the CPUs, the queues, the nodes. */
import type { Outcome } from "../../stress/options.ts";
import type { SlabStatName } from "../slab/statistics.ts";
import { columns, count, facts, heading, share } from "./text.ts";

type SlabStatistics = Record<SlabStatName, number>;

function operations(s: SlabStatistics): { allocations: number; frees: number } {
  return {
    allocations: s.allochit + s.allocmiss + s.nodeallocs,
    frees: s.freehit + s.freemiss + s.remotefrees,
  };
}

export function slabSections(outcome: Outcome): string {
  return cpus(outcome) + queues(outcome.stats as SlabStatistics);
}

function cpus(outcome: Outcome): string {
  const rows = outcome.perCpu.map(({ cpu, node, statistics }) => {
    const s = statistics as SlabStatistics;
    const { allocations, frees } = operations(s);
    return [
      `CPU ${cpu}`,
      String(node),
      count(allocations),
      share(s.allochit, allocations),
      count(frees),
      share(s.freehit, frees),
      count(s.remotefrees),
    ];
  });
  const heads = ["", "node", "allocations", "from array", "frees", "to array", "remote"];
  return heading("CPUs") + columns(heads, rows);
}

function queues(s: SlabStatistics): string {
  return (
    heading("Queues") +
    facts([
      ["array empty", count(s.allocmiss)],
      ["  filled from the shared array", count(s.shared_refill)],
      ["  objects taken from slabs", count(s.listallocs)],
      ["  new slab", count(s.grown), `${count(s.coloured)} of another colour than the first`],
      ["array full", count(s.freemiss)],
      ["  emptied into the shared array", count(s.shared_flush)],
      ["straight from a node's slabs", count(s.nodeallocs)],
      ["freed on another node", count(s.remotefrees)],
      ["  alien array was full", count(s.alienoverflow)],
      ["  alien arrays sent home", count(s.alien_drain)],
      ["reaped", count(s.reap_pass), `${count(s.reaped)} slabs given back`],
    ])
  );
}
