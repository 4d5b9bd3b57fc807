// SPDX-License-Identifier: GPL-2.0-only
/** Changes of memory policies and cpusets while the tasks of a run allocate. */
import type { Kernel } from "../src/kernel/kernel.ts";
import { MEMORY_POLICIES, type Policies } from "../src/pages/policies.ts";
import type { Random } from "./random.ts";

/** The chance of a change after each step of the workload. */
const CHANGE = 0.05;

export class PolicyChanges {
  /** Undefined: the machine has no policies. */
  private readonly policies: Policies | undefined;
  private readonly tasks: number;
  private readonly nodes: number;
  private readonly random: Random;
  /** Policies set, and cpusets moved. */
  made = 0;

  /** `tasks`: the machine's tasks 1 up to this number are those of the run. */
  constructor(kernel: Kernel, tasks: number, random: Random) {
    this.policies = kernel.policies;
    this.tasks = tasks;
    this.nodes = kernel.shared.options.nodes;
    this.random = random;
  }

  /** Perhaps another policy for the calling task, or another cpuset for any. */
  step(): void {
    const { policies, random } = this;
    if (policies === undefined || !random.chance(CHANGE)) return;
    this.made++;
    if (random.chance(0.5)) {
      policies.setMems(this.someNodes(), 1 + random.below(this.tasks));
      return;
    }
    const policy = MEMORY_POLICIES[random.below(MEMORY_POLICIES.length)] ?? "default";
    const isPlain = policy === "default" || policy === "local";
    policies.setPolicy(policy, isPlain ? [] : this.someNodes());
    policies.setSpread(random.chance(0.5));
  }

  private someNodes(): number[] {
    const { nodes, random } = this;
    const first = random.below(nodes);
    const others = Array.from({ length: nodes }, (_, node) => node);
    return others.filter((node) => node === first || random.chance(0.5));
  }
}
