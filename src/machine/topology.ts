// SPDX-License-Identifier: MIT
/** Nodes and distances: which CPU belongs where, and which node is tried next. Never changes. */

/** Distance of a node to itself and to any other, as in an ACPI SLIT. */
export const LOCAL_DISTANCE = 10;
export const REMOTE_DISTANCE = 20;

/** No preference: the node of the CPU that asks. */
export const NUMA_NO_NODE = -1;

export class Topology {
  declare readonly cpus: number;
  declare readonly nodes: number;
  declare private readonly rings: readonly (readonly number[])[];
  /** By CPU: asked for at each slow path, so not by division. */
  declare private readonly nodeOfCpu: readonly number[];

  /** The last `withoutCpus` of the nodes have memory alone. */
  constructor(cpus: number, nodes: number, withoutCpus = 0) {
    this.cpus = cpus;
    this.nodes = nodes;
    const dealt = nodes - withoutCpus;
    this.nodeOfCpu = Array.from({ length: cpus }, (_, cpu) => Math.floor((cpu * dealt) / cpus));
    this.rings = Array.from({ length: nodes }, (_, from) =>
      Array.from({ length: nodes }, (_, i) => (from + i) % nodes),
    );
  }

  /** CPUs are dealt out in equal blocks: with 4 on 2 nodes, 0 and 1 are on node 0. */
  cpuToNode(cpu: number): number {
    return this.nodeOfCpu[cpu] as number;
  }

  cpusOfNode(node: number): number[] {
    return Array.from({ length: this.cpus }, (_, cpu) => cpu).filter(
      (cpu) => this.cpuToNode(cpu) === node,
    );
  }

  distance(from: number, to: number): number {
    return from === to ? LOCAL_DISTANCE : REMOTE_DISTANCE;
  }

  /**
   * All nodes by distance, the own one first; equal ones in a ring, so that load spreads.
   * @throws RangeError for a node that the machine does not have
   */
  byDistance(from: number): readonly number[] {
    const ring = this.rings[from];
    if (ring === undefined) throw new RangeError(`there is no node ${from}`);
    return ring;
  }
}
