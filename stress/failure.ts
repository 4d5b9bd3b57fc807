// SPDX-License-Identifier: GPL-2.0-only
/**
 * The failure of a run: the finding, the task that met it, and the last operations of each task.
 */
import type { AuditFinding } from "../src/check/findings.ts";
import { type Kernel, systemOf } from "../src/kernel/kernel.ts";
import type { FailureClass } from "../src/machine/kernel-bug.ts";
import { bugOf } from "./bug.ts";
import type { LoggedOperation, OperationName, StressControl } from "./control.ts";

export interface StressFailure {
  readonly class: FailureClass;
  readonly message: string;
  /** Of the task that found it; -1: the audit, between two rounds. */
  readonly task: number;
  readonly stack: string;
  /** All that the audit found, where it was the audit. */
  readonly findings: readonly AuditFinding[];
  /** Of each task, oldest first. */
  readonly lastOperations: readonly TaskHistory[];
}

export interface TaskHistory {
  readonly task: number;
  readonly operations: readonly {
    readonly cpu: number;
    readonly what: string;
    readonly logged: LoggedOperation;
  }[];
}

export function histories(kernel: Kernel, control: StressControl, tasks: number): TaskHistory[] {
  return Array.from({ length: tasks }, (_, task) => ({
    task,
    operations: control
      .lastOperations(task)
      .map((logged) => ({ cpu: logged.cpu, what: describeOperation(logged, kernel), logged })),
  }));
}

/** Operations whose argument is a cache. */
const OF_A_CACHE: ReadonlySet<OperationName> = new Set([
  "kmem_cache_alloc",
  "kmem_cache_shrink",
  "kmem_cache_destroy",
  "slabinfo_write",
  "sysfs_store",
]);

/** `kmalloc(96) = 0x1f3a60`, as a trace would have it. */
export function describeOperation(logged: LoggedOperation, kernel: Kernel): string {
  const { name, argument, object, inInterrupt } = logged;
  const call = `${name}(${argumentOf(logged, kernel)})`;
  const outcome = object === undefined ? ", under way" : outcomeOf(name, argument, object);
  return `${inInterrupt ? "irq: " : ""}${call}${outcome}`;
}

function argumentOf({ name, argument, object }: LoggedOperation, kernel: Kernel): string {
  if (name === "kfree") return hex(argument);
  if (name === "kmem_cache_free") return `${cacheName(argument, kernel)}, ${hex(object ?? 0)}`;
  if (OF_A_CACHE.has(name)) return cacheName(argument, kernel);
  return String(argument);
}

function outcomeOf(name: string, argument: number, object: number): string {
  if (name === "kmem_cache_alloc_bulk") return ` = ${object} of ${argument}`;
  if (name === "kmalloc" || name === "kmem_cache_alloc" || name === "kmem_cache_create") {
    return object === 0 ? " = NULL" : ` = ${hex(object)}`;
  }
  return "";
}

/** The list of caches may be what is broken. */
function cacheName(cache: number, kernel: Kernel): string {
  try {
    return systemOf(kernel).common.caches().includes(cache)
      ? systemOf(kernel).common.nameOf(cache)
      : hex(cache);
  } catch (error) {
    if (bugOf(error, true) === undefined) throw error;
    return hex(cache);
  }
}

function hex(address: number): string {
  return `0x${(address >>> 0).toString(16)}`;
}
