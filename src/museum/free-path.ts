// SPDX-License-Identifier: GPL-2.0-only
/**
 * The free fast path, retyped so that two mutations can change a step in its middle. In the allocator
 * it is one method, for speed.
 */
import { type Change, onSlub } from "../kernel/classes.ts";
import type { Address } from "../machine/memory.ts";
import type { PagePtr } from "../pages/page.ts";
import { CMPXCHG_DOUBLE_CPU_FAIL, FREE_FASTPATH } from "../slub/statistics.ts";
import {
  KmemCache,
  KmemCacheCpu,
  type KmemCacheCpuPtr,
  type KmemCachePtr,
} from "../slub/structs.ts";

/** How a mutated free path differs. */
export interface FreePath {
  /** Whether tid and pointer must be of one CPU. */
  readonly checksCpu: boolean;
  /** Whether the head that is linked is read again for the comparison. */
  readonly readsTwice: boolean;
}

export const FREE_PATH: FreePath = { checksCpu: true, readsTwice: false };

/** The same classes with a free fast path as `path` describes it. */
export function withFreePath(path: FreePath): Change {
  return onSlub((classes) => ({
    Allocator: class extends classes.Allocator {
      override slabFreeChain(
        s: KmemCachePtr,
        page: PagePtr,
        head: Address,
        tail: Address,
        count: number,
      ): void {
        const { memory } = this;
        const cpuSlab = memory.read32(s + KmemCache.cpuSlab);
        for (;;) {
          const tid = memory.thisCpuRead(cpuSlab + KmemCacheCpu.tid);
          const c = memory.thisCpuPtr(cpuSlab);
          if (path.checksCpu && memory.readOnce(c + KmemCacheCpu.tid) !== tid) continue;
          if (memory.readOnce(c + KmemCacheCpu.page) !== page) {
            this.slowFree.free(s, page, head, tail, count);
            return;
          }
          const linked = memory.readOnce(c + KmemCacheCpu.freelist);
          this.freePointers.set(s, tail, linked);
          const expected = path.readsTwice ? this.headOf(c) : linked;
          if (this.updateCpuFreelistFast(cpuSlab, expected, tid, head)) {
            memory.thisCpuAdd(
              cpuSlab + KmemCacheCpu.stat + (FREE_FASTPATH << 2),
              this.fastFrees(count),
            );
            return;
          }
          memory.thisCpuAdd(cpuSlab + KmemCacheCpu.stat + (CMPXCHG_DOUBLE_CPU_FAIL << 2), 1);
        }
      }

      private headOf(c: KmemCacheCpuPtr): Address {
        return this.memory.readOnce(c + KmemCacheCpu.freelist);
      }
    },
  }));
}
