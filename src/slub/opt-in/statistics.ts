// SPDX-License-Identifier: GPL-2.0-only
/**
 * The events that 6.18 and 6.19 count (enum stat_item), by their sysfs names in the kernel's order.
 * Those of the cpu slab lie where 4.1 has them, and are followed by those of the sheaves.
 */
import { SHEAF_STAT_NAMES } from "../sheaves/statistics.ts";
import { FREE_FASTPATH, STAT_NAMES } from "../statistics.ts";

/** What a sheaf gives and takes is no fast path here: that is the cpu slab's. */
const RENAMED: Readonly<Record<string, string>> = {
  alloc_fastpath: "alloc_cpu_sheaf",
  free_fastpath: "free_cpu_sheaf",
};

/** The sheaves' events that are not the cpu slab's as well. */
const OF_SHEAVES = SHEAF_STAT_NAMES.map((name) => RENAMED[name] ?? name).filter(
  (name) => !(STAT_NAMES as readonly string[]).includes(name),
);

/** Names by word. */
export const OPT_IN_STAT_NAMES: readonly string[] = [...STAT_NAMES, ...OF_SHEAVES];

/** The same in the order of the files. */
export const OPT_IN_STAT_FILES: readonly string[] = [
  "alloc_cpu_sheaf",
  ...STAT_NAMES.slice(0, FREE_FASTPATH),
  ...["free_cpu_sheaf", "free_rcu_sheaf", "free_rcu_sheaf_fail"],
  ...STAT_NAMES.slice(FREE_FASTPATH),
  ...OF_SHEAVES.filter((name) => !name.includes("cpu_sheaf") && !name.startsWith("free_rcu")),
];

/**
 * The word in which an event of the sheaves is counted, by its number there. What a cpu slab counts,
 * too, is only counted by it: -1.
 */
export const SHEAF_EVENT_WORDS: readonly number[] = SHEAF_STAT_NAMES.map((name) => {
  const word = OPT_IN_STAT_NAMES.indexOf(RENAMED[name] ?? name);
  return word < STAT_NAMES.length ? -1 : word;
});
