// SPDX-License-Identifier: MIT
/**
 * The machine: one block of shared memory, laid out once, and the devices on it.
 *
 *     0        page 0: the header; belongs to no one, so NULL and small numbers are never addresses
 *     4096     statics: descriptors of CPUs and tasks, globals of every storey
 *     …        per-CPU areas, one block a CPU
 *     …        the array of struct page, then the pages themselves, `memory` bytes in all
 *     …        outside of `memory`: room for the checker (the ledger), if asked for, and then for the
 *              shadow of address checks
 *
 * All of it may lie further on in a larger memory, of which the program has the rest.
 *
 * `createMachine` makes one; every thread that takes part builds the same objects over it by
 * `attachMachine`. Only numbers and the memory itself cross between threads.
 */
import type { AccessChecker } from "./access-checker.ts";
import { type AtomicsKind, atomicsInstructions, wasmInstructions } from "./atomics.ts";
import { Calls } from "./calls.ts";
import { Console } from "./console.ts";
import {
  CPU_ONLINE,
  Cpu,
  MAX_CPUS,
  MAX_TASKS,
  sizeOfCpu,
  sizeOfTask,
  TASK_NUMBERS,
} from "./cpus.ts";
import { DirectMemory } from "./direct-memory.ts";
import { FunctionTable } from "./functions.ts";
import { hasHeader } from "./header.ts";
import { IrqWork } from "./irq-work.ts";
import { Leases } from "./leases.ts";
import type { Address, Memory } from "./memory.ts";
import { PercpuAllocator } from "./percpu.ts";
import { isWasmMemory, platform, type WasmMemory } from "./platform.ts";
import { Presence } from "./presence.ts";
import { Rcu } from "./rcu.ts";
import type { MachinePlaces } from "./running-context.ts";
import { Statics } from "./statics.ts";
import { claimTask, Tenancy } from "./tenancy.ts";
import { Topology } from "./topology.ts";
import { noWitness, type Witness } from "./witness.ts";

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 1 << PAGE_SHIFT;

/** Memory nodes that struct kmem_cache has room for. */
export const MAX_NUMNODES = 8;

const STATICS_START = PAGE_SIZE;
const STATICS_BYTES = 256 * 1024;
/** Memory is at most 2 GiB, so that every pointer is a non-negative int32. */
export const MAX_MEMORY_BYTES = 2 ** 31 - 65_536;
/** Less does not hold the machine itself, its caches and a few slabs a CPU. */
export const MIN_MEMORY_BYTES = 2 * 1024 * 1024;

/** What a memory may grow by: so many nodes, which share its last so many bytes. */
export interface Growth {
  readonly nodes: number;
  readonly bytes: number;
}

export const NO_GROWTH: Growth = { nodes: 0, bytes: 0 };

export interface MachineOptions {
  /** Simulated CPUs, 1 to 64. */
  readonly cpus: number;
  /** Memory nodes, 1 to 8; those without growth at most one a CPU. */
  readonly nodes: number;
  /** The last nodes are for memory that comes later, and have no CPU. */
  readonly growth?: Growth;
  /** Bytes of memory in total. */
  readonly memory: number;
  /** Threads that may run as CPUs; more than CPUs where preemption is wanted. */
  readonly tasks: number;
  /** Bytes beyond `memory` for the checker of the allocator. */
  readonly checker: number;
  readonly atomics: AtomicsKind;
  readonly seed: number;
  /** Bytes behind those, for the shadow of address checks. 0 where left out. */
  readonly shadow?: number;
  /** Where the machine begins in its memory, in bytes: whole pages. 0 where left out. */
  readonly start?: number;
}

/** What a thread needs to take part: plain data, it can be posted to a worker. */
export interface SharedMachine {
  readonly memory: WasmMemory;
  readonly options: MachineOptions;
}

/** Where everything lies: a pure function of the options. */
export interface MachineLayout extends MachinePlaces {
  readonly staticsStart: Address;
  readonly staticsEnd: Address;
  /** First byte behind the per-CPU areas: the array of struct page may begin here. */
  readonly free: Address;
  /** End of `memory`, start of the checker's room. */
  readonly end: Address;
}

function percpuStride(memory: number): number {
  return memory < 32 * 1024 * 1024 ? 32 * 1024 : 64 * 1024;
}

export function layoutOf(options: MachineOptions): MachineLayout {
  const { start = 0 } = options;
  const statics = start + STATICS_START;
  const cpuBase = statics + 128;
  const taskBase = cpuBase + MAX_CPUS * sizeOfCpu;
  const staticsStart = taskBase + TASK_NUMBERS * sizeOfTask;
  const percpuStart = statics + STATICS_BYTES;
  const stride = percpuStride(options.memory);
  return {
    panic: statics,
    offCpu: statics + 4,
    waiting: statics + 8,
    cpuBase,
    taskBase,
    staticsStart,
    staticsEnd: percpuStart,
    percpuStart,
    percpuStride: stride,
    percpuEnd: percpuStart + options.cpus * stride,
    free: percpuStart + options.cpus * stride,
    end: start + options.memory,
  };
}

/** The machine cannot be made with these options; the message says why. */
export class MachineOptionsError extends RangeError {
  override name = "MachineOptionsError";
}

/** Bytes of a machine with all that is outside of its memory. */
export function bytesOf({ memory, checker, shadow = 0 }: MachineOptions): number {
  return memory + checker + shadow;
}

/** Refuses options that have no layout, with the reason. */
export function checkMachineOptions(options: MachineOptions): void {
  const whole = (name: string, value: number, least: number, most: number, why: string): void => {
    if (Number.isInteger(value) && value >= least && value <= most) return;
    throw new MachineOptionsError(
      `${name} must be a whole number from ${least} to ${most}, ${why}`,
    );
  };
  whole(
    "cpus",
    options.cpus,
    1,
    MAX_CPUS,
    `not ${options.cpus}: tid has room for ${MAX_CPUS} CPUs`,
  );
  const { growth = NO_GROWTH } = options;
  const nodes = options.nodes - growth.nodes;
  whole("nodes", nodes, 1, Math.min(MAX_NUMNODES, options.cpus), `not ${nodes}: a node has a CPU`);
  whole("tasks", options.tasks, options.cpus, MAX_TASKS, `not ${options.tasks}`);
  const least =
    MIN_MEMORY_BYTES + options.cpus * percpuStride(options.memory) + options.nodes * 256 * 1024;
  whole("memory", options.memory, least, MAX_MEMORY_BYTES, `not ${options.memory} bytes`);
  whole("checker", options.checker, 0, MAX_MEMORY_BYTES, `not ${options.checker} bytes`);
  const { start = 0 } = options;
  whole("offset", start, 0, MAX_MEMORY_BYTES, `not ${start}`);
  if (start % PAGE_SIZE !== 0) {
    throw new MachineOptionsError(`offset must be a multiple of ${PAGE_SIZE}, not ${start}`);
  }
  if (start + options.memory > MAX_MEMORY_BYTES) {
    throw new MachineOptionsError(
      `memory must end within ${MAX_MEMORY_BYTES} bytes, not at ${start + options.memory}`,
    );
  }
  const all = bytesOf(options);
  if (all > MAX_MEMORY_BYTES) {
    throw new MachineOptionsError(
      `memory and checkers together may have ${MAX_MEMORY_BYTES} bytes, not ${all}`,
    );
  }
}

/**
 * A new machine: zeroed memory, all CPUs online and idle. In `given`, if that is there: what lies
 * before and behind the machine stays as it is.
 */
export function createMachine(options: MachineOptions, given?: WasmMemory): SharedMachine {
  checkMachineOptions(options);
  const memory = given ?? newMemory(bytesOf(options));
  if (given !== undefined) clear(given, options);
  const shared = { memory, options };
  Machine.online(new Int32Array(memory.buffer), layoutOf(options), options.cpus);
  return shared;
}

/** No more threads can attach. */
export class TasksTaken extends RangeError {}
function newMemory(bytes: number): WasmMemory {
  const pages = Math.ceil(bytes / 65_536);
  return new platform.WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

function clear({ buffer }: WasmMemory, options: MachineOptions): void {
  const { start = 0 } = options;
  const room = buffer.byteLength - start;
  const all = bytesOf(options);
  if (all > room) {
    throw new MachineOptionsError(
      `${all} bytes from ${start} on are not in a memory of ${buffer.byteLength}`,
    );
  }
  if (hasHeader({ buffer }, start)) {
    throw new MachineOptionsError(
      `a kernel has been booted in this memory at ${start}: attach to it`,
    );
  }
  new Uint8Array(buffer, start, all).fill(0);
}

export type MemoryClass = new (
  options: ConstructorParameters<typeof DirectMemory>[0],
) => DirectMemory;

/**
 * The memory of a new task, straight over the shared block. `isUndertaker`: with the number that is
 * there for a thread that looks for a number among the dead.
 * @throws TasksTaken where no number is free
 */
export function directMemory(
  shared: SharedMachine,
  memoryClass: MemoryClass = DirectMemory,
  isUndertaker = false,
): DirectMemory {
  const { options } = shared;
  const { tasks } = options;
  const buffer = shared.memory.buffer as unknown as SharedArrayBuffer;
  const places = { ...layoutOf(options), ...options };
  const range = isUndertaker ? { from: tasks, to: tasks + 1 } : { from: 0, to: tasks };
  const task = claimTask(new Int32Array(buffer), places, range);
  if (task < 0) throw new TasksTaken(`all ${tasks} tasks of this machine are taken`);
  return new memoryClass({
    buffer,
    atomic:
      options.atomics === "wasm" && isWasmMemory(shared.memory)
        ? wasmInstructions(shared.memory)
        : atomicsInstructions(buffer),
    places,
    leases: new Leases(new Int32Array(buffer), places),
    tenancy: new Tenancy(new Int32Array(buffer), places, task),
    seed: options.seed,
  });
}

/** The devices, as one thread sees them through its memory. Holds addresses only. */
export class Machine {
  declare readonly memory: Memory;
  declare readonly options: MachineOptions;
  declare readonly layout: MachineLayout;
  declare readonly topology: Topology;
  declare readonly statics: Statics;
  declare readonly functions: FunctionTable;
  declare readonly percpu: PercpuAllocator;
  declare readonly calls: Calls;
  declare readonly irqWork: IrqWork;
  declare readonly rcu: Rcu;
  declare readonly presence: Presence;
  declare readonly console: Console;
  private onPanic: () => void = () => undefined;
  /** Asked about each access of a program, of a machine that is booted with one. */
  checker: AccessChecker | undefined = undefined;
  /** Fills the tracks of debug caches. */
  witness: Witness = noWitness;

  constructor(memory: Memory, options: MachineOptions) {
    const layout = layoutOf(options);
    this.memory = memory;
    this.options = options;
    this.layout = layout;
    this.console = new Console();
    this.topology = new Topology(options.cpus, options.nodes, options.growth?.nodes);
    this.statics = new Statics(layout.staticsStart, layout.staticsEnd);
    this.functions = new FunctionTable();
    this.percpu = new PercpuAllocator(memory, this.statics, options.cpus, layout.percpuStride);
    this.calls = new Calls(memory, this.functions, layout.cpuBase, options.cpus);
    this.irqWork = new IrqWork(memory, layout.cpuBase);
    this.rcu = new Rcu(memory, this.functions, this.statics, layout.cpuBase, options.cpus);
    this.presence = new Presence(memory, layout.cpuBase, options.cpus);
  }

  /** The memory is inconsistent: no task goes on. */
  panic(): void {
    this.memory.storeRelease(this.layout.panic, 1);
    this.onPanic();
  }

  /** Has a direct memory take calls and look after RCU. */
  serve(memory: DirectMemory): void {
    this.onPanic = () => memory.panic();
    memory.onCall = () => this.interrupt();
    memory.onQuiescent = () => this.softirq();
  }

  /** What others have asked of this CPU, and it of itself, that an interrupt does. Returns whether there is work. */
  interrupt(): boolean {
    const hasWork = this.calls.take();
    this.irqWork.take();
    return hasWork;
  }

  /** All that waits for this CPU, which is between two operations; interrupts are on. */
  softirq(): void {
    const { memory } = this;
    const flags = memory.irqSave();
    const hasWork = this.interrupt();
    memory.irqRestore(flags);
    if (hasWork) this.calls.work();
    this.rcu.quiescent();
  }

  static online(words: Int32Array, layout: MachineLayout, cpus: number): void {
    words[layout.offCpu >> 2] = 1;
    for (let cpu = 0; cpu < cpus; cpu++) {
      words[(layout.cpuBase + cpu * sizeOfCpu + Cpu.online) >> 2] = CPU_ONLINE;
    }
  }
}
