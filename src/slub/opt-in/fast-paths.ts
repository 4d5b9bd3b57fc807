// SPDX-License-Identifier: GPL-2.0-only
/** Which objects a sheaf of 6.18 and 6.19 takes: those of the node that this CPU's memory is on. */
import type { Address } from "../../machine/memory.ts";
import { SheafFastPaths } from "../sheaves/fast-paths.ts";

export class OptInFastPaths extends SheafFastPaths {
  override accepts(object: Address): boolean {
    return this.nodeOfObject(object) === this.parts.otherNodes.numaMemId();
  }
}
