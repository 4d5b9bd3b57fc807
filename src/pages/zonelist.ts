// SPDX-License-Identifier: GPL-2.0-only
/**
 * Zonelists: which zones an allocation tries, in order. Node by node from the nearest on, and on a
 * node the higher zone first, so that DMA pages go last (64-bit kernels order by node). They follow
 * from the topology alone and never change.
 */
import type { Topology } from "../machine/topology.ts";
import { __GFP_DMA, __GFP_THISNODE } from "./gfp.ts";
import type { Zone } from "./zone.ts";

export class Zonelists {
  private readonly fallback: readonly (readonly Zone[])[];
  private readonly thisNode: readonly (readonly Zone[])[];

  constructor(topology: Topology, zones: readonly Zone[]) {
    // Ascending index is DMA, then the others.
    const onNode = (node: number): Zone[] => zones.filter((zone) => zone.node === node).reverse();
    const nodes = Array.from({ length: topology.nodes }, (_, node) => node);
    this.thisNode = nodes.map(onNode);
    this.fallback = nodes.map((node) => topology.byDistance(node).flatMap(onNode));
  }

  /** The zones that pages wanted from `node` may come from. */
  of(gfp: number, node: number): readonly Zone[] {
    const lists = (gfp & __GFP_THISNODE) !== 0 ? this.thisNode : this.fallback;
    const zones = lists[node];
    if (zones === undefined) throw new RangeError(`there is no node ${node}`);
    return (gfp & __GFP_DMA) !== 0 ? zones.filter((zone) => zone.name === "DMA") : zones;
  }
}
