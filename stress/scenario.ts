// SPDX-License-Identifier: GPL-2.0-only
/**
 * From stress to schedule: the last operations of the tasks of a failed run become a scenario,
 * which the explorer can search. It keeps each operation, its task and its CPU, but has one cache
 * with small slabs, in which a few operations reach the states that take thousands on real threads.
 */
import {
  interrupt,
  migratableTask,
  on,
  type SetupStep,
  type SlabContext,
  type SlabScenario,
  task,
} from "../src/laboratory/scenario.ts";
import { alloc, bulkAlloc, bulkFree, free, type Step, shrink } from "../src/laboratory/steps.ts";
import type { LoggedOperation } from "./control.ts";
import type { StressFailure, TaskHistory } from "./failure.ts";
import type { StressOptions } from "./options.ts";

/** With more operations a search has too many schedules to end. */
const TASKS = 3;
const OPERATIONS = 3;
const LARGEST_BULK = 4;
const OBJECTS_A_SLAB = 4;

export function scenarioOfFailure(options: StressOptions, failure: StressFailure): SlabScenario {
  const writer = new Writer(options.migrations > 0);
  const byGuilt = [...failure.lastOperations].sort(
    (one, other) => Number(other.task === failure.task) - Number(one.task === failure.task),
  );
  for (const history of byGuilt.slice(0, TASKS)) writer.add(history);
  const { allocator, kernel, nodes } = options;
  const cpus = Math.max(1, ...writer.contexts.map(({ cpu }) => cpu + 1));
  return {
    name: "from-stress",
    story: `The last operations before ${failure.class} on real threads.`,
    machine: { cpus, nodes: Math.min(nodes, cpus), allocator, kernel },
    setup: writer.setup(),
    contexts: writer.contexts,
  };
}

class Writer {
  readonly contexts: SlabContext[] = [];
  private readonly migrates: boolean;
  /** CPUs of the run, in the order in which they appear. */
  private readonly cpus: number[] = [];
  /** Objects that were there before. */
  private before = 0;
  private named = 0;

  constructor(migrates: boolean) {
    this.migrates = migrates;
  }

  setup(): SetupStep[] {
    const slabs = Math.max(1, Math.ceil(this.before / OBJECTS_A_SLAB));
    return on(0, alloc("a", slabs * OBJECTS_A_SLAB));
  }

  add({ task: number, operations }: TaskHistory): void {
    const all = operations.map(({ logged }) => logged);
    const own = all.filter(({ inInterrupt }) => !inInterrupt).slice(-OPERATIONS);
    const handled = all.filter(({ inInterrupt }) => inInterrupt).slice(-OPERATIONS);
    const cpu = this.cpuOf(own.at(-1) ?? handled.at(-1));
    const steps = this.steps(own);
    if (steps.length > 0) {
      const make = this.migrates ? migratableTask : task;
      this.contexts.push(make(`task${number}`, cpu, ...steps));
    }
    const irq = this.steps(handled);
    if (irq.length > 0) this.contexts.push(interrupt(`irq${number}`, cpu, irq));
  }

  private cpuOf(operation: LoggedOperation | undefined): number {
    const cpu = Math.max(0, operation?.cpu ?? 0);
    if (!this.cpus.includes(cpu)) this.cpus.push(cpu);
    return this.cpus.indexOf(cpu);
  }

  /** One task's operations: objects it has taken itself have names, all others were there before. */
  private steps(logged: readonly LoggedOperation[]): Step[] {
    const names = new Map<number, string>();
    return logged.flatMap((operation): Step[] => {
      const { argument, object = 0 } = operation;
      switch (operation.name) {
        case "kmalloc":
        case "kmem_cache_alloc": {
          const name = this.name();
          names.set(object, name);
          return [alloc(name)];
        }
        case "kfree":
          return [free(names.get(argument) ?? this.earlier(1))];
        case "kmem_cache_free":
          return [free(names.get(object) ?? this.earlier(1))];
        case "kmem_cache_alloc_bulk":
          return [bulkAlloc(this.name(), Math.min(argument, LARGEST_BULK))];
        case "kmem_cache_free_bulk":
          return [bulkFree(this.earlier(Math.min(argument, LARGEST_BULK)))];
        case "kmem_cache_shrink":
          return [shrink()];
        default:
          return [];
      }
    });
  }

  private name(): string {
    return `x${this.named++}`;
  }

  private earlier(count: number): string {
    const first = this.before;
    this.before += count;
    return count === 1 ? `a.${first}` : `a.${first}-${first + count - 1}`;
  }
}
