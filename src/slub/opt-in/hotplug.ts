// SPDX-License-Identifier: GPL-2.0-only
/** A node whose memory comes gets a barn in each cache that has sheaves, before anybody can ask for it. */
import { ENOMEM } from "../../caches/errno.ts";
import { Hotplug, type HotplugParts } from "../hotplug.ts";
import type { OptInSheaves } from "./sheaves.ts";

export interface OptInHotplugParts extends HotplugParts {
  readonly optIn: OptInSheaves;
}

export class OptInHotplug extends Hotplug {
  declare protected readonly parts: OptInHotplugParts;

  override nodeGoingOnline(nid: number): number {
    const { sheafFront, barns } = this.parts.optIn;
    const made = this.context.common.withCaches(
      (s) => !sheafFront.has(s) || barns.of(s, nid) !== 0 || sheafFront.makeBarn(s, nid),
    );
    return made.includes(false) ? -ENOMEM : super.nodeGoingOnline(nid);
  }
}
