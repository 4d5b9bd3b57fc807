// SPDX-License-Identifier: GPL-2.0-only
/**
 * The verbs of a scenario. A step is plain data: TypeScript builds it with the functions here, a text
 * file through parse.ts, and both run alike. Objects have names: `alloc("a", 4)` makes `a.0` to `a.3`;
 * `free("a.1-3")` frees three of them, `free("a")` all. All contexts know the names that set-up made;
 * other names belong to the context that made them.
 *
 * Several steps may be one operation; an interrupt is one operation.
 */

import type { Address } from "../machine/memory.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import type { MemoryPolicy } from "../pages/policies.ts";
import type { Laboratory } from "./laboratory.ts";

/** One call into the allocator. */
export type Step =
  | {
      readonly verb: "alloc";
      readonly name: string;
      readonly count: number;
      readonly node: number;
      readonly wish: AllocWish | undefined;
    }
  | { readonly verb: "bulk-alloc"; readonly name: string; readonly count: number }
  | { readonly verb: "kmalloc"; readonly name: string; readonly size: number }
  | { readonly verb: "krealloc"; readonly of: string; readonly name: string; readonly size: number }
  | {
      readonly verb: "pages";
      readonly name: string;
      readonly count: number;
      readonly order: number;
    }
  | { readonly verb: "take"; readonly name: string }
  | { readonly verb: "poke"; readonly of: string; readonly offset: number; readonly value: number }
  | {
      readonly verb:
        | "free"
        | "bulk-free"
        | "kfree-rcu"
        | "free-pages"
        | "hand"
        | "rcu-look"
        | "not-leak";
      readonly of: string;
    }
  | {
      readonly verb:
        | "flush"
        | "flush-cpu"
        | "shrink"
        | "keep-none"
        | "reap"
        | "rcu-barrier"
        | "synchronize-rcu"
        | "leak-scan";
    }
  | { readonly verb: "point"; readonly of: string; readonly to: string }
  | { readonly verb: "create"; readonly name: string; readonly size: number }
  | { readonly verb: "destroy"; readonly of: string | undefined }
  | {
      readonly verb: "group";
      readonly name: string;
      readonly limit: number;
      readonly above: string | undefined;
    }
  | { readonly verb: "enter" | "kill"; readonly of: string }
  | { readonly verb: "leave" | "work" }
  | { readonly verb: "fail-slab" | "fail-page"; readonly nth: number; readonly times: number }
  | { readonly verb: "cpu-offline" | "cpu-online"; readonly cpu: number }
  | { readonly verb: "node-offline" | "node-online"; readonly node: number }
  | { readonly verb: "read"; readonly attribute: string }
  | { readonly verb: "write"; readonly attribute: string; readonly value: string }
  | {
      readonly verb: "tune";
      readonly limit: number;
      readonly batch: number;
      readonly shared: number;
    }
  | { readonly verb: "mempolicy"; readonly policy: MemoryPolicy; readonly nodes: readonly number[] }
  | { readonly verb: "min-free"; readonly kbytes: number }
  | { readonly verb: "mems"; readonly task: string; readonly nodes: readonly number[] }
  | { readonly verb: "call"; readonly title: string; readonly body: StepBody };

/** The body of a step in TypeScript; it returns the objects that it names, if any. */
export type StepBody = (lab: Laboratory, names: Names) => Bound | undefined;

/** Objects by name. */
export type Bound = Readonly<Record<string, readonly Address[]>>;

/** The objects of a name: `a`, `a.1`, `a.1-3`. */
export type Names = (reference: string) => Address[];

/**
 * `zero`: zeroed, which is checked. `thisnode`: from the node that is named or not at all. `must`: there
 * is memory that it may have, so it must not fail. `memalloc`: from the reserves, too. `ordinary`: not
 * of a slab that was made of these.
 */
export type AllocWish = "zero" | "thisnode" | "must" | "memalloc" | "ordinary";
export const ALLOC_WISHES: readonly AllocWish[] = [
  "zero",
  "thisnode",
  "must",
  "memalloc",
  "ordinary",
];

export const alloc = (name: string, count = 1, node = NUMA_NO_NODE, wish?: AllocWish): Step => ({
  verb: "alloc",
  name,
  count,
  node,
  wish,
});
export const free = (of: string): Step => ({ verb: "free", of });
export const bulkAlloc = (name: string, count: number): Step => ({
  verb: "bulk-alloc",
  name,
  count,
});
export const bulkFree = (of: string): Step => ({ verb: "bulk-free", of });
/** Every CPU gives up its slabs or objects (flush_all, drain_cpu_caches). */
export const flush = (): Step => ({ verb: "flush" });
/** This CPU alone does so, as the inter-processor call makes it; for interrupts. */
export const flushCpu = (): Step => ({ verb: "flush-cpu" });
export const shrink = (): Step => ({ verb: "shrink" });
/** The cache of the scenario, or one that `create` has made. */
export const destroy = (of?: string): Step => ({ verb: "destroy", of });
/** Another cache, which may be an alias of one that there is, if the machine merges. */
export const create = (name: string, size: number): Step => ({ verb: "create", name, size });
/** As the kernel does with the cache of a dead memory group: from now on it keeps no empty slab. */
export const keepNone = (): Step => ({ verb: "keep-none" });
/** A memory group of so many pages, below another one or below the root. */
export const group = (name: string, limit: number, above?: string): Step => ({
  verb: "group",
  name,
  limit,
  above,
});
/** From here on the task is in the group, until it leaves it; set-up must leave it. */
export const enter = (of: string): Step => ({ verb: "enter", of });
export const leave = (): Step => ({ verb: "leave" });
/** rmdir of a group; nothing where a task is in it. */
export const kill = (of: string): Step => ({ verb: "kill", of });
/** As a kernel thread: what groups have left to be done later. */
export const work = (): Step => ({ verb: "work" });
/** SLAB's cache_reap on this CPU. */
export const reap = (): Step => ({ verb: "reap" });
export const kmalloc = (name: string, size: number): Step => ({ verb: "kmalloc", name, size });
/** The object of `of` grows or shrinks; from then on it is called `name`. */
export const krealloc = (of: string, name: string, size: number): Step => ({
  verb: "krealloc",
  of,
  name,
  size,
});
/** Blocks of 2^order pages, straight from the page allocator. */
export const pages = (name: string, count: number, order = 0): Step => ({
  verb: "pages",
  name,
  count,
  order,
});
export const freePages = (of: string): Step => ({ verb: "free-pages", of });
/** Leaves objects for any context to `take`, one at a time. */
export const hand = (of: string): Step => ({ verb: "hand", of });
/** Takes one of the objects that were handed over; if there is none, the name stands for nothing. */
export const take = (name: string): Step => ({ verb: "take", name });
/** Writes a byte into an object, or beside it. */
export const poke = (of: string, offset: number, value: number): Step => ({
  verb: "poke",
  of,
  offset,
  value,
});
/** The first word of an object becomes the address of another. */
export const point = (of: string, to: string): Step => ({ verb: "point", of, to });
/** kmemleak_not_leak: kmemleak looks into the object, and does not report it. */
export const notLeak = (of: string): Step => ({ verb: "not-leak", of });
/** Two scans of kmemleak, as many as it takes to report an object. */
export const leakScan = (): Step => ({ verb: "leak-scan" });
export const kfreeRcu = (of: string): Step => ({ verb: "kfree-rcu", of });
/**
 * A read-side section: looks at those of the objects that are live when it begins. Their slabs must
 * stay until it ends, as kfree-rcu and SLAB_TYPESAFE_BY_RCU promise.
 */
export const rcuLook = (of: string): Step => ({ verb: "rcu-look", of });
export const synchronizeRcu = (): Step => ({ verb: "synchronize-rcu" });
/** The `nth` allocation of an object from now on fails, or of a page, and every `nth` up to so many. */
export const failSlab = (nth: number, times = 1): Step => ({ verb: "fail-slab", nth, times });
export const failPage = (nth: number, times = 1): Step => ({ verb: "fail-page", nth, times });
export const rcuBarrier = (): Step => ({ verb: "rcu-barrier" });
/** cpu_down. Explored contexts do not move away, so no context may be on that CPU. */
export const cpuOffline = (cpu: number): Step => ({ verb: "cpu-offline", cpu });
export const cpuOnline = (cpu: number): Step => ({ verb: "cpu-online", cpu });
export const nodeOffline = (node: number): Step => ({ verb: "node-offline", node });
export const nodeOnline = (node: number): Step => ({ verb: "node-online", node });
/** A file of /sys/kernel/slab/<cache>/. */
export const read = (attribute: string): Step => ({ verb: "read", attribute });
export const write = (attribute: string, value: string): Step => ({
  verb: "write",
  attribute,
  value,
});
/** A line written to /proc/slabinfo. */
export const tune = (limit: number, batch: number, shared: number): Step => ({
  verb: "tune",
  limit,
  batch,
  shared,
});
/** set_mempolicy, of the task that says so. */
export const mempolicy = (policy: MemoryPolicy, ...nodes: number[]): Step => ({
  verb: "mempolicy",
  policy,
  nodes,
});
/** The cpuset of a task: the nodes of which it may have memory from now on. */
export const mems = (task: string, ...nodes: number[]): Step => ({ verb: "mems", task, nodes });
/** Written to /proc/sys/vm/min_free_kbytes: so much is left to those that may use the reserves. */
export const minFree = (kbytes: number): Step => ({ verb: "min-free", kbytes });
/** Anything else, in TypeScript only. It runs again like an operation: all its state is in the memory. */
export const call = (title: string, body: StepBody): Step => ({ verb: "call", title, body });

/** The step as a scenario file writes it. */
export function stepText(step: Step): string {
  switch (step.verb) {
    case "alloc": {
      const count = step.count === 1 ? "" : ` ${step.count}`;
      const node = step.node === NUMA_NO_NODE ? "" : ` node ${step.node}`;
      const wish = step.wish === undefined ? "" : ` ${step.wish}`;
      return `alloc ${step.name}${count}${node}${wish}`;
    }
    case "bulk-alloc":
      return `bulk-alloc ${step.name} ${step.count}`;
    case "kmalloc":
    case "create":
      return `${step.verb} ${step.name} ${step.size}`;
    case "krealloc":
      return `krealloc ${step.of} ${step.name} ${step.size}`;
    case "pages":
      return `pages ${step.name} ${step.count}${step.order === 0 ? "" : ` order ${step.order}`}`;
    case "point":
      return `point ${step.of} ${step.to}`;
    case "take":
      return `take ${step.name}`;
    case "poke":
      return `poke ${step.of} ${step.offset} ${step.value}`;
    case "free":
    case "bulk-free":
    case "kfree-rcu":
    case "free-pages":
    case "hand":
    case "rcu-look":
    case "not-leak":
    case "enter":
    case "kill":
      return `${step.verb} ${step.of}`;
    case "group": {
      const above = step.above === undefined ? "" : ` below ${step.above}`;
      return `group ${step.name} ${step.limit}${above}`;
    }
    case "destroy":
      return step.of === undefined ? "destroy" : `destroy ${step.of}`;
    case "fail-slab":
    case "fail-page":
      return `${step.verb} ${step.nth}${step.times === 1 ? "" : ` ${step.times}`}`;
    case "cpu-offline":
    case "cpu-online":
      return `${step.verb} ${step.cpu}`;
    case "node-offline":
    case "node-online":
      return `${step.verb} ${step.node}`;
    case "read":
      return `read ${step.attribute}`;
    case "write":
      return `write ${step.attribute} ${step.value}`;
    case "tune":
      return `tune ${step.limit} ${step.batch} ${step.shared}`;
    case "mempolicy":
      return [step.verb, step.policy.replace(" ", "-"), ...step.nodes].join(" ");
    case "mems":
      return [step.verb, step.task, ...step.nodes].join(" ");
    case "min-free":
      return `${step.verb} ${step.kbytes}`;
    case "call":
      return step.title;
    default:
      return step.verb;
  }
}

/** The names that a step makes, each with the number of its objects. */
export function madeBy(step: Step): { readonly name: string; readonly count: number } | undefined {
  switch (step.verb) {
    case "alloc":
    case "bulk-alloc":
    case "pages":
      return { name: step.name, count: step.count };
    case "kmalloc":
    case "krealloc":
    case "take":
    case "create":
    case "group":
      return { name: step.name, count: 1 };
    default:
      return undefined;
  }
}
