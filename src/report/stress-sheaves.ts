// SPDX-License-Identifier: GPL-2.0-only
/** What the counters of SLUB with sheaves say of a stress run: the CPUs, the sheaves, the slabs. */
import type { Outcome } from "../../stress/options.ts";
import type { SHEAF_STAT_NAMES } from "../slub/sheaves/statistics.ts";
import { columns, count, facts, heading, share } from "./text.ts";

type SheafStatistics = Record<(typeof SHEAF_STAT_NAMES)[number], number>;

export function sheafSections(outcome: Outcome): string {
  const stats = outcome.stats as SheafStatistics;
  return cpus(outcome) + sheaves(stats) + slabs(stats);
}

function cpus(outcome: Outcome): string {
  const rows = outcome.perCpu.map(({ cpu, node, statistics }) => {
    const s = statistics as SheafStatistics;
    const allocations = s.alloc_fastpath + s.alloc_slowpath;
    const frees = s.free_fastpath + s.free_slowpath;
    return [
      `CPU ${cpu}`,
      String(node),
      count(allocations),
      share(s.alloc_fastpath, allocations),
      count(frees),
      share(s.free_fastpath, frees),
      count(s.free_rcu_sheaf),
    ];
  });
  const heads = ["", "node", "allocations", "from sheaf", "frees", "to sheaf", "kfree_rcu"];
  return heading("CPUs") + columns(heads, rows);
}

function sheaves(s: SheafStatistics): string {
  return (
    heading("Sheaves") +
    facts([
      ["full one had from the barn", count(s.barn_get), `${count(s.barn_get_fail)} not there`],
      ["full one brought to the barn", count(s.barn_put), `${count(s.barn_put_fail)} too many`],
      ["objects: filled from slabs", count(s.sheaf_refill)],
      ["objects: flushed to slabs", count(s.sheaf_flush)],
      ["made", count(s.sheaf_alloc), `${count(s.sheaf_free)} freed`],
      ["kfree_rcu", count(s.free_rcu_sheaf), `${count(s.free_rcu_sheaf_fail)} without a sheaf`],
      [
        "prefilled",
        count(s.sheaf_prefill_fast + s.sheaf_prefill_slow + s.sheaf_prefill_oversize),
        `${count(s.sheaf_prefill_fast)} the spare, ${count(s.sheaf_prefill_oversize)} oversize`,
      ],
      [
        "returned",
        count(s.sheaf_return_fast + s.sheaf_return_slow),
        `${count(s.sheaf_return_fast)} as the spare`,
      ],
    ])
  );
}

function slabs(s: SheafStatistics): string {
  return (
    heading("Slabs") +
    facts([
      ["alloc, one object", count(s.alloc_slowpath), "past the sheaves"],
      ["  wrong node", count(s.alloc_node_mismatch)],
      ["free, one object", count(s.free_slowpath), "past the sheaves"],
      [
        "new",
        count(s.alloc_slab),
        s.order_fallback === 0 ? "" : `${count(s.order_fallback)} of a smaller order`,
      ],
      ["given back", count(s.free_slab), share(s.free_slab, s.alloc_slab)],
      ["node list: added by a free", count(s.free_add_partial)],
      ["node list: removed by a free", count(s.free_remove_partial)],
      ["lost races, a slab", count(s.cmpxchg_double_fail), "another CPU was there first"],
    ])
  );
}
