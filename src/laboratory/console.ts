// SPDX-License-Identifier: GPL-2.0-only
/**
 * The console of an explored machine. An operation that goes on runs again from its start, and prints
 * again what it has printed: each line is heard once.
 */
import type { Scenario } from "../explore/program.ts";
import type { ConsoleSink } from "../machine/console.ts";
import type { Laboratory } from "./laboratory.ts";
import type { Bound } from "./steps.ts";

/** The same scenario, whose machine tells `sink` what it prints. For one schedule. */
export function withConsole(
  scenario: Scenario<Laboratory, Bound>,
  sink: ConsoleSink,
): Scenario<Laboratory, Bound> {
  const world = (): Laboratory => {
    const lab = scenario.world();
    const heard = new Set<string>();
    lab.system.machine.console.overhear = (line) => {
      const { point } = lab.memory;
      if (point === undefined) return;
      const said = `${point} ${line}`;
      if (point !== "" && heard.has(said)) return;
      heard.add(said);
      sink(line);
    };
    return lab;
  };
  return { ...scenario, world };
}
