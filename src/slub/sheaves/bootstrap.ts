// SPDX-License-Identifier: GPL-2.0-only
/** The caches of SLUB's own structs have no sheaves; the kmalloc caches get theirs once all exist. */
import { SLAB_NO_OBJ_EXT } from "../../caches/flags.ts";
import { kmallocCaches } from "../../caches/kmalloc-sizes.ts";
import { Bootstrap, type BootstrapParts } from "../bootstrap.ts";
import { sheafCapacityOf } from "../geometry.ts";
import { KmemCache } from "../structs.ts";
import type { SheafFront } from "./front.ts";

export interface SheafBootstrapParts extends BootstrapParts {
  readonly front: SheafFront;
}

export class SheafBootstrap extends Bootstrap {
  declare protected readonly parts: SheafBootstrapParts;

  protected override get bootFlags(): number {
    return super.bootFlags | SLAB_NO_OBJ_EXT;
  }

  override kmemCacheInit(): void {
    super.kmemCacheInit();
    this.bootstrapKmallocSheaves();
  }

  /** bootstrap_kmalloc_sheaves */
  private bootstrapKmallocSheaves(): void {
    const { common } = this.context;
    const normal = kmallocCaches(common.build).filter(({ type }) => type === "normal");
    for (const { index } of normal) {
      const s = common.kmallocCache(index);
      const flags = this.memory.read32(s + KmemCache.flags);
      const capacity = sheafCapacityOf(flags, this.memory.read32(s + KmemCache.size), 0);
      if (capacity === 0) continue;
      this.parts.front.bootstrap(s, capacity);
    }
  }
}
