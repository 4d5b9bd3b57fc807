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
import type { Laboratory } from "./laboratory.ts";

/** One call into the allocator. */
export type Step =
  | { readonly verb: "alloc"; readonly name: string; readonly count: number; readonly node: number }
  | { readonly verb: "free"; readonly of: string }
  | { readonly verb: "bulk-alloc"; readonly name: string; readonly count: number }
  | { readonly verb: "bulk-free"; readonly of: string }
  | {
      readonly verb:
        | "flush"
        | "flush-cpu"
        | "shrink"
        | "destroy"
        | "keep-none"
        | "reap"
        | "rcu-barrier";
    }
  | { readonly verb: "cpu-offline"; readonly cpu: number }
  | { readonly verb: "read"; readonly attribute: string }
  | { readonly verb: "write"; readonly attribute: string; readonly value: string }
  | {
      readonly verb: "tune";
      readonly limit: number;
      readonly batch: number;
      readonly shared: number;
    }
  | { readonly verb: "call"; readonly title: string; readonly body: StepBody };

/** The body of a step in TypeScript; it returns the objects that it names, if any. */
export type StepBody = (lab: Laboratory, names: Names) => Bound | undefined;

/** Objects by name. */
export type Bound = Readonly<Record<string, readonly Address[]>>;

/** The objects of a name: `a`, `a.1`, `a.1-3`. */
export type Names = (reference: string) => Address[];

export const alloc = (name: string, count = 1, node = NUMA_NO_NODE): Step => ({
  verb: "alloc",
  name,
  count,
  node,
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
export const destroy = (): Step => ({ verb: "destroy" });
/** As the kernel does with the cache of a dead memory group: from now on it keeps no empty slab. */
export const keepNone = (): Step => ({ verb: "keep-none" });
/** SLAB's cache_reap on this CPU. */
export const reap = (): Step => ({ verb: "reap" });
export const rcuBarrier = (): Step => ({ verb: "rcu-barrier" });
/** cpu_down. Explored contexts do not move away, so no context may be on that CPU. */
export const cpuOffline = (cpu: number): Step => ({ verb: "cpu-offline", cpu });
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
/** Anything else, in TypeScript only. It runs again like an operation: all its state is in the memory. */
export const call = (title: string, body: StepBody): Step => ({ verb: "call", title, body });

/** The step as a scenario file writes it. */
export function stepText(step: Step): string {
  switch (step.verb) {
    case "alloc": {
      const node = step.node === NUMA_NO_NODE ? "" : ` node ${step.node}`;
      return `alloc ${step.name}${step.count === 1 ? "" : ` ${step.count}`}${node}`;
    }
    case "free":
    case "bulk-free":
      return `${step.verb} ${step.of}`;
    case "bulk-alloc":
      return `${step.verb} ${step.name} ${step.count}`;
    case "cpu-offline":
      return `cpu-offline ${step.cpu}`;
    case "read":
      return `read ${step.attribute}`;
    case "write":
      return `write ${step.attribute} ${step.value}`;
    case "tune":
      return `tune ${step.limit} ${step.batch} ${step.shared}`;
    case "call":
      return step.title;
    default:
      return step.verb;
  }
}

/** Does the step, with allocations as `gfp` says; returns the objects that it names. */
export function runStep(lab: Laboratory, step: Step, names: Names, gfp: number): Bound {
  const { system, s } = lab;
  switch (step.verb) {
    case "alloc": {
      const objects: Address[] = [];
      for (let i = 0; i < step.count; i++)
        objects.push(system.kmemCacheAllocNode(s, gfp, step.node));
      return { [step.name]: objects };
    }
    case "free":
      for (const object of names(step.of)) system.kfree(object);
      return {};
    case "bulk-alloc": {
      const objects: Address[] = [];
      // All or none: if it fails, it has freed the objects that it had put there.
      const got = system.kmemCacheAllocBulk(s, step.count, objects, gfp);
      return { [step.name]: objects.slice(0, got) };
    }
    case "bulk-free": {
      const objects = names(step.of);
      if (objects.length > 0) system.kmemCacheFreeBulk(s, objects.length, objects);
      return {};
    }
    case "shrink":
      system.kmemCacheShrink(s);
      return {};
    case "destroy":
      system.kmemCacheDestroy(s);
      return {};
    case "cpu-offline":
      system.cpuDown(step.cpu);
      return {};
    case "rcu-barrier":
      system.machine.rcu.barrier();
      return {};
    case "call":
      return step.body(lab, names) ?? {};
    default:
      runOnOneAllocator(lab, step);
      return {};
  }
}

/** What not every allocator has; scenario.ts refuses a step that this one has not. */
function runOnOneAllocator({ system, s }: Laboratory, step: Step): void {
  const { attributes, steps } = system.observer;
  if (step.verb === "read") attributes.get(step.attribute)?.show?.(s);
  else if (step.verb === "write") attributes.get(step.attribute)?.store?.(s, step.value);
  else if (step.verb === "tune") {
    system.allocator.tune(s, step.limit, step.batch, step.shared);
  } else {
    const act = steps.get(step.verb);
    if (act === undefined) throw new RangeError(`${system.allocator.name} has no "${step.verb}"`);
    act(s);
  }
}
