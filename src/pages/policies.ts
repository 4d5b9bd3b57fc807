// SPDX-License-Identifier: GPL-2.0-only
/**
 * Where a task wants its memory from: its policy (mm/mempolicy.c), and the nodes that its cpuset
 * allows (kernel/cpuset.c). Both are words of the task; interrupts have neither. The cpuset of every
 * task counts as mem_hardwall, so that requests of the kernel itself keep to it, too. A policy holds
 * for those of its nodes that the cpuset allows, or for all of these (MPOL_F_STATIC_NODES).
 *
 * A task writes its own policy. Any task may write the allowed nodes of another one, which may be
 * looking at node after node just then: no node that it finds allowed need have been so all along. So
 * these words have a sequence count, odd while they are written. A search that found nothing begins
 * again if the count has moved; one that found something is right enough.
 */
import { TASK_NUMBERS } from "../machine/cpus.ts";
import type { Machine } from "../machine/machine.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { isInt32, isList, named, whole } from "../machine/option-check.ts";
import { struct, word } from "../machine/struct.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";

/** By number, as in include/uapi/linux/mempolicy.h. */
export const MEMORY_POLICIES = [
  "default",
  "preferred",
  "bind",
  "interleave",
  "local",
  "preferred many",
  "weighted interleave",
] as const;
export type MemoryPolicy = (typeof MEMORY_POLICIES)[number];

const TaskPolicy = struct(
  "task_policy",
  {
    /** Index in MEMORY_POLICIES. */
    mode: word,
    /** A bit for each node. */
    nodes: word,
    /** The node that an interleaving task was served by last, and how often it is to be so again. */
    ilPrev: word,
    ilWeight: word,
    memsAllowed: word,
    /** mems_allowed_seq: odd while memsAllowed is written. */
    memsSeq: word,
    /** PFA_SPREAD_SLAB: 1 or 0; and the node that a slab was spread to last. */
    spread: word,
    rotor: word,
  },
  64,
);

export class Policies {
  declare private readonly machine: Machine;
  declare private readonly memory: Memory;
  declare private readonly memoryNode: (node: number) => number;
  declare private readonly tasks: readonly Address[];
  /** One word a node: the pages that it has in a round of weighted interleaving; 0 means 1. */
  declare private readonly weights: Address;

  /** `memoryNode`: node_to_mem_node. */
  constructor(machine: Machine, memoryNode: (node: number) => number) {
    const { statics } = machine;
    this.machine = machine;
    this.memory = machine.memory;
    this.memoryNode = memoryNode;
    this.tasks = Array.from({ length: TASK_NUMBERS }, (_, task) =>
      statics.allocate(TaskPolicy, `policy of task ${task}`),
    );
    this.weights = statics.words(machine.options.nodes, "interleave weights");
  }

  private get all(): number {
    return (1 << this.machine.options.nodes) - 1;
  }

  /** Run once, by the thread that boots: every task may have memory of every node. */
  init(): void {
    for (const task of this.tasks) this.memory.write32(task + TaskPolicy.memsAllowed, this.all);
  }

  /** A task number has a new thread. */
  begin(): void {
    this.setPolicy("default");
    this.setSpread(false);
    this.setMems(Array.from({ length: this.machine.options.nodes }, (_, node) => node));
  }

  // ---- what a task asks for ----

  private get own(): Address {
    return this.of(this.memory.current());
  }

  private of(task: number): Address {
    const at = typeof task === "number" ? this.tasks[task] : undefined;
    if (at === undefined) throw new RangeError(`there is no task ${named(task)}`);
    return at;
  }

  private maskOf(nodes: readonly number[]): number {
    const { nodes: count } = this.machine.options;
    if (!isList(nodes)) throw new RangeError(`${named(nodes)} is no list of nodes`);
    const wrong = nodes.findIndex((node) => !whole(0, count - 1).is(node));
    if (wrong >= 0) throw new RangeError(`there is no node ${named(nodes[wrong])}`);
    return nodes.reduce((mask, node) => mask | (1 << node), 0);
  }

  /** set_mempolicy, for the calling task. @throws RangeError where the policy needs nodes */
  setPolicy(policy: MemoryPolicy, nodes: readonly number[] = []): void {
    const { memory, own } = this;
    const mode = MEMORY_POLICIES.indexOf(policy);
    if (mode < 0) throw new RangeError(`there is no policy ${named(policy)}`);
    const mask = this.maskOf(nodes);
    const needsNodes = policy !== "default" && policy !== "local";
    if (needsNodes !== (mask !== 0)) {
      throw new RangeError(`a "${policy}" policy ${needsNodes ? "needs" : "takes no"} nodes`);
    }
    memory.write32(own + TaskPolicy.nodes, mask);
    memory.write32(own + TaskPolicy.ilPrev, NUMA_NO_NODE);
    memory.write32(own + TaskPolicy.ilWeight, 0);
    memory.write32(own + TaskPolicy.mode, mode);
  }

  /** /sys/kernel/mm/mempolicy/weighted_interleave/nodeN */
  setWeight(node: number, weight: number): void {
    this.maskOf([node]);
    if (!isInt32(weight) || weight < 0) throw new RangeError(`${named(weight)} is no weight`);
    this.memory.writeOnce(this.weights + node * 4, weight);
  }

  /** memory_spread_slab, for the calling task: new slabs of SLAB_MEM_SPREAD caches go to all nodes in turn. */
  setSpread(spreads: boolean): void {
    const { memory, own } = this;
    memory.write32(own + TaskPolicy.rotor, NUMA_NO_NODE);
    memory.write32(own + TaskPolicy.spread, spreads ? 1 : 0);
  }

  /**
   * cpuset_change_task_nodemask: from now on the task may have memory of these nodes only. The odd
   * count keeps other writers out. Interrupts are off, so that no reader waits for a writer that waits
   * for the reader's CPU.
   */
  setMems(nodes: readonly number[], task = this.memory.current()): void {
    const { memory } = this;
    const mask = this.maskOf(nodes);
    if (mask === 0) throw new RangeError("a task needs memory of one node at least");
    const at = this.of(task);
    const seq = at + TaskPolicy.memsSeq;
    const flags = memory.irqSave();
    for (;;) {
      const count = this.evenCount(seq);
      // Full barrier: a reader that sees the new nodes sees that the count has moved, too.
      if (memory.cmpxchg(seq, count, count + 1) !== count) continue;
      memory.writeOnce(at + TaskPolicy.memsAllowed, mask);
      memory.storeRelease(seq, (count + 2) | 0);
      break;
    }
    memory.notify(seq);
    memory.irqRestore(flags);
  }

  private evenCount(seq: Address): number {
    const { memory } = this;
    for (;;) {
      const count = memory.loadAcquire(seq);
      if ((count & 1) === 0) return count;
      memory.waitWhile(seq, count);
    }
  }

  // ---- what allocators ask ----

  /**
   * read_mems_allowed_begin and read_mems_allowed_retry around a search: it is repeated while it finds
   * nothing and the allowed nodes change.
   */
  retrying(find: () => number): number {
    for (;;) {
      const cookie = this.readBegin();
      const found = find();
      if (found !== 0 || !this.readRetry(cookie)) return found;
    }
  }

  readBegin(): number {
    return this.evenCount(this.own + TaskPolicy.memsSeq);
  }

  readRetry(cookie: number): boolean {
    return this.memory.loadAcquire(this.own + TaskPolicy.memsSeq) !== cookie;
  }

  /** numa_mem_id: the nearest node with memory. */
  private get local(): number {
    return this.memoryNode(this.machine.topology.cpuToNode(this.memory.smpProcessorId()));
  }

  /** READ_ONCE: another task may write it. */
  private get mems(): number {
    return this.memory.readOnce(this.own + TaskPolicy.memsAllowed);
  }

  /** cpuset_zone_allowed */
  allows(node: number): boolean {
    return this.memory.inInterrupt() || ((this.mems >>> node) & 1) !== 0;
  }

  /** The policy that counts: none in an interrupt. */
  private get policy(): MemoryPolicy {
    const { memory } = this;
    if (memory.inInterrupt()) return "default";
    return MEMORY_POLICIES[memory.read32(this.own + TaskPolicy.mode)] as MemoryPolicy;
  }

  private get nodes(): number {
    const { mems } = this;
    return this.memory.read32(this.own + TaskPolicy.nodes) & mems || mems;
  }

  /** mempolicy_slab_node: the node to begin at. Each look at an interleaving policy moves it on. */
  slabNode(): number {
    const { policy } = this;
    if (policy === "interleave") return this.nextInterleaved();
    if (policy === "weighted interleave") return this.nextWeighted();
    if (policy === "default" || policy === "local") return this.local;
    const { nodes } = this;
    if (policy === "preferred") return firstOf(nodes);
    const near = this.machine.topology.byDistance(this.local);
    return near.find((node) => isIn(nodes, node)) ?? this.local;
  }

  private nextInterleaved(): number {
    const { memory, own } = this;
    const next = nextIn(this.nodes, memory.read32(own + TaskPolicy.ilPrev));
    memory.write32(own + TaskPolicy.ilPrev, next);
    return next;
  }

  private nextWeighted(): number {
    const { memory, own } = this;
    const left = memory.read32(own + TaskPolicy.ilWeight);
    const previous = memory.read32(own + TaskPolicy.ilPrev);
    const stays = left > 0 && isIn(this.nodes, previous);
    const node = stays ? previous : this.nextInterleaved();
    const weight = stays ? left : Math.max(1, memory.readOnce(this.weights + node * 4));
    memory.write32(own + TaskPolicy.ilWeight, weight - 1);
    return node;
  }

  /** The allowed nodes in the order of the policy's zonelist. Each is looked at when its turn comes. */
  *nodesInOrder(): Generator<number> {
    for (const node of this.machine.topology.byDistance(this.slabNode())) {
      if (this.allows(node)) yield node;
    }
  }

  /** Where a request without a node looks for pages, and the nodes that may serve it. */
  pageNodes(): { from: number; mask: number } {
    const { policy, local } = this;
    if (policy === "bind") return { from: local, mask: this.nodes };
    const isLocal = policy === "preferred many";
    return { from: isLocal ? local : this.slabNode(), mask: this.all };
  }

  /**
   * alternate_node_alloc: the node of which SLAB takes a single object; NUMA_NO_NODE: none but the
   * CPU's own. `spreads`: the cache has SLAB_MEM_SPREAD.
   */
  alternateNode(spreads: boolean): number {
    const { memory, own } = this;
    if (memory.inInterrupt()) return NUMA_NO_NODE;
    const isSpread = spreads && memory.read32(own + TaskPolicy.spread) !== 0;
    if (!isSpread && this.policy === "default") return NUMA_NO_NODE;
    const node = isSpread ? this.nextSpread() : this.slabNode();
    return node === this.local ? NUMA_NO_NODE : node;
  }

  /** cpuset_slab_spread_node */
  private nextSpread(): number {
    const { memory, own, mems } = this;
    const rotor = memory.read32(own + TaskPolicy.rotor);
    const from =
      rotor === NUMA_NO_NODE ? (memory.random() >>> 0) % this.machine.options.nodes : rotor;
    const next = nextIn(mems, from);
    memory.write32(own + TaskPolicy.rotor, next);
    return next;
  }

  /** slab_strict_numa: the node of every object that is asked for without one, or NUMA_NO_NODE. */
  strictNode(): number {
    const { policy } = this;
    if (policy === "default") return NUMA_NO_NODE;
    if (policy === "bind" && isIn(this.nodes, this.local)) return NUMA_NO_NODE;
    return this.slabNode();
  }
}

function isIn(mask: number, node: number): boolean {
  return node >= 0 && ((mask >>> node) & 1) !== 0;
}

function firstOf(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}

/** next_node_in: the next node of the mask after `node`, from its first one again at the end. */
function nextIn(mask: number, node: number): number {
  const after = mask & ~((2 << node) - 1);
  return firstOf(after === 0 ? mask : after);
}
