// SPDX-License-Identifier: GPL-2.0-only
/**
 * The era of Linux 2.6.39 to 5.18: when the slow path drops the cpu slab it leaves tid as it was. An
 * interrupted free may then push onto a list that has no owner any more, and the object is lost
 * (CVE-2022-49700; eeaa345e1285 fixed it after eleven years).
 */
import type { SlubClasses } from "../kernels.ts";
import type { KmemCacheCpuPtr } from "../structs.ts";

export function seedEra(classes: SlubClasses): Partial<SlubClasses> {
  return {
    CpuSlab: class extends classes.CpuSlab {
      override drop(c: KmemCacheCpuPtr): void {
        this.clear(c);
      }
    },
  };
}
