// SPDX-License-Identifier: GPL-2.0-only
/** fail_page_alloc: requests for pages that fail on purpose (mm/fail_page_alloc). */
import type { Machine } from "../machine/machine.ts";
import type { PagePtr } from "../pages/page.ts";
import type { Pages } from "../pages/pages.ts";
import { FaultInjection } from "./fault-injection.ts";

/** The same page allocator with an injection point, disarmed. */
export function failPageAlloc(Base: typeof Pages): typeof Pages {
  return class extends Base {
    readonly faults: FaultInjection;

    constructor(machine: Machine) {
      super(machine);
      this.faults = new FaultInjection(machine, "fail_page_alloc");
    }

    override allocPages(gfp: number, order: number, node: number): PagePtr {
      // should_fail_alloc_page
      const pages = 1 << order;
      if (order >= this.faults.minOrder && this.faults.shouldFail(gfp, pages)) return 0;
      return super.allocPages(gfp, order, node);
    }
  };
}
