/** SLAB of 5.10 and 6.1, where CPUs and nodes may come and go. */
import type { SlabCommon } from "../caches/slab-common.ts";
import { Hotplug } from "./hotplug.ts";
import type { NewerNodeSetup } from "./node-setup-newer.ts";
import type { SlabParts } from "./parts.ts";
import { Slab } from "./slab.ts";

export class NewerSlab extends Slab {
  readonly hotplug: Hotplug;

  constructor(common: SlabCommon, parts: SlabParts) {
    super(common, parts);
    const { context, storage, lists, freeBlock, aliens, slabPages, drain, reaper } = this;
    // The table of parts names the type that both forms share; this form has the newer class.
    const nodeSetup = this.nodeSetup as NewerNodeSetup;
    this.hotplug = new Hotplug({
      context,
      storage,
      lists,
      freeBlock,
      aliens,
      slabPages,
      nodeSetup,
      drain,
      reaper,
    });
  }
}
