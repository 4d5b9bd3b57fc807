// SPDX-License-Identifier: GPL-2.0-only
/** Pages as policies and cpusets want them (alloc_pages_current, and ALLOC_CPUSET of the page allocator). */
import type { Machine } from "../machine/machine.ts";
import { __GFP_THISNODE, __GFP_WAIT } from "./gfp.ts";
import type { PagePtr } from "./page.ts";
import type { Pages } from "./pages.ts";
import { Policies } from "./policies.ts";
import type { Zone } from "./zone.ts";

export function withPolicies(Base: typeof Pages): typeof Pages {
  return class extends Base {
    readonly policies: Policies;

    constructor(machine: Machine) {
      super(machine);
      this.policies = new Policies(machine, (node) => this.memoryNode(node));
    }

    override init(): void {
      super.init();
      this.policies.init();
    }

    override allocPages(gfp: number, order: number, node: number): PagePtr {
      return this.policies.retrying(() => super.allocPages(gfp, order, node));
    }

    protected override zonesFor(gfp: number, node: number): readonly Zone[] {
      const { policies } = this;
      const isFree = node < 0 && (gfp & __GFP_THISNODE) === 0;
      const { from, mask } = isFree ? policies.pageNodes() : { from: node, mask: -1 };
      const zones = super.zonesFor(gfp, from).filter((zone) => ((mask >>> zone.node) & 1) !== 0);
      const allowed = zones.filter((zone) => policies.allows(zone.node));
      if ((gfp & __GFP_WAIT) !== 0) return allowed;
      // A request that cannot wait is not held back by a cpuset once its nodes have nothing left.
      return [...allowed, ...zones.filter((zone) => !allowed.includes(zone))];
    }
  };
}

/** The policies of a machine that has been booted with them. */
export function policiesOf(pages: object): Policies | undefined {
  return "policies" in pages && pages.policies instanceof Policies ? pages.policies : undefined;
}
