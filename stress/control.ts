// SPDX-License-Identifier: GPL-2.0-only
/**
 * The words that the threads of a run share besides the allocator: start barrier, stop flag, the
 * first task that failed, the last operations of each task, and mailboxes for objects that another
 * task is to free.
 * They lie at the end of the checker's room, behind the ledger; each word is either written by one
 * task only or touched by atomics only. No locks.
 *
 * A task's log is a ring of its last operations. An entry is written before the operation starts
 * and completed after it, so the newest entry also says what a stuck task is doing.
 */
import type { Machine } from "../src/machine/machine.ts";
import type { Address, Memory } from "../src/machine/memory.ts";
import { array, sizeOf, struct, word } from "../src/machine/struct.ts";

export const LOG_ENTRIES = 16;
export const MAILBOX_SLOTS = 32;

/** The operations of a log entry, by number. */
const OPERATIONS = [
  "kmalloc",
  "kfree",
  "kmem_cache_alloc",
  "kmem_cache_free",
  "kmem_cache_alloc_bulk",
  "kmem_cache_free_bulk",
  "kmem_cache_create",
  "kmem_cache_shrink",
  "kmem_cache_destroy",
  "slabinfo_write",
  "sysfs_store",
  "cpu_down",
  "cpu_up",
  "kfree_rcu",
  "kmalloc_nolock",
  "kfree_nolock",
  "kmem_cache_prefill_sheaf",
  "kmem_cache_alloc_from_sheaf",
  "kmem_cache_refill_sheaf",
  "kmem_cache_return_sheaf",
  "rcu_read_lock",
  "alloc_pages",
] as const;

export type OperationName = (typeof OPERATIONS)[number];

export const KMALLOC = 0;
export const KFREE = 1;
export const CACHE_ALLOC = 2;
export const CACHE_FREE = 3;
export const ALLOC_BULK = 4;
export const FREE_BULK = 5;
export const CACHE_CREATE = 6;
export const CACHE_SHRINK = 7;
export const CACHE_DESTROY = 8;
export const SLABINFO_WRITE = 9;
export const SYSFS_STORE = 10;
export const CPU_DOWN = 11;
export const CPU_UP = 12;
export const KFREE_RCU = 13;
export const KMALLOC_NOLOCK = 14;
export const KFREE_NOLOCK = 15;
export const PREFILL_SHEAF = 16;
export const ALLOC_FROM_SHEAF = 17;
export const REFILL_SHEAF = 18;
export const RETURN_SHEAF = 19;
export const RCU_READ = 20;
export const ALLOC_PAGES = 21;

/** Added to an operation's number when an interrupt handler did it. */
const IN_INTERRUPT = 0x100;
const PENDING = -1;

/** Memory groups that a run may have at a time. */
export const MOST_GROUPS = 64;

const Control = struct("stress_control", {
  stop: word,
  /** The first task that failed, plus 1. */
  failed: word,
  /** Tasks that wait for a round to begin, and the number of the round that has begun. */
  arrived: word,
  round: word,
  /** Operations of this round. */
  done: word,
  /** Tasks whose threads have ended. */
  dead: word,
  /** Memory groups that any task may enter, or kill. */
  groups: array(word, MOST_GROUPS),
});

const Entry = struct("stress_operation", {
  name: word,
  /** Bytes for kmalloc, objects for bulk calls and sheaves, a CPU for hotplug, else the cache. */
  argument: word,
  /** The object that came out or went in; PENDING while the operation runs. */
  object: word,
  cpu: word,
});
const ENTRY_BYTES = 16;

const TaskLog = struct("stress_task", {
  /** Operations begun. */
  begun: word,
  /** The newest operation that no interrupt began. */
  progress: word,
  /** 1 while the task is in a round. */
  active: word,
  entries: array(word, LOG_ENTRIES * 4),
  mailbox: array(word, MAILBOX_SLOTS),
});

/** No two tasks share a cache line. */
const STRIDE = Math.ceil(sizeOf(TaskLog) / 64) * 64;

/** One operation, as the log has it. */
export interface LoggedOperation {
  readonly name: OperationName;
  readonly argument: number;
  /** 0: the allocation failed; undefined: the operation has not ended. */
  readonly object: Address | undefined;
  readonly cpu: number;
  readonly inInterrupt: boolean;
}

/** Bytes of the checker's room that a run of `tasks` needs besides the ledger. */
export function controlBytes(tasks: number): number {
  return (tasks + 3) * STRIDE;
}

export class StressControl {
  private readonly memory: Memory;
  private readonly tasks: number;
  /** Number of the task that takes CPUs away and brings them back, behind those that allocate. */
  readonly hotplugTask: number;
  private readonly at: Address;

  /** The machine's checker room has controlBytes(tasks) behind the ledger. */
  constructor(machine: Machine, tasks: number) {
    const end = machine.layout.end + machine.options.checker;
    this.memory = machine.memory;
    this.tasks = tasks;
    this.hotplugTask = tasks;
    this.at = Math.ceil((end - controlBytes(tasks)) / 64) * 64;
  }

  private task(task: number): Address {
    return this.at + (task + 1) * STRIDE;
  }

  // ---- memory groups ----

  private group(slot: number): Address {
    return this.at + Control.groups + (slot << 2);
  }

  groupIn(slot: number): Address {
    return this.memory.loadAcquire(this.group(slot));
  }

  /** Where there is one already, the new one is known to nobody any more. */
  putGroup(slot: number, group: Address): void {
    this.memory.cmpxchg(this.group(slot), 0, group);
  }

  takeGroup(slot: number): Address {
    return this.memory.xchg(this.group(slot), 0);
  }

  // ---- rounds ----

  get stopped(): boolean {
    return this.memory.loadAcquire(this.at + Control.stop) !== 0;
  }

  stop(): void {
    this.memory.storeRelease(this.at + Control.stop, 1);
  }

  /** Makes ready for another round. All tasks are quiet. */
  reset(): void {
    this.memory.storeRelease(this.at + Control.stop, 0);
    this.memory.storeRelease(this.at + Control.arrived, 0);
    this.memory.storeRelease(this.at + Control.done, 0);
  }

  /** A task has done `n` more operations; at `goal` of all tasks together the round ends. */
  count(n: number, goal: number): void {
    if (this.memory.add(this.at + Control.done, n) + n >= goal) this.stop();
  }

  /** Waits until all tasks are here; the last to come lets them all go. Holds no CPU. */
  arrive(round: number): void {
    const { memory, at } = this;
    memory.add(at + Control.arrived, 1);
    if (!this.beginIfComplete(round)) memory.waitWhile(at + Control.round, round - 1);
  }

  /** A task will never come again: the others begin the round without it. */
  dismiss(round: number): void {
    this.memory.add(this.at + Control.dead, 1);
    this.beginIfComplete(round);
  }

  private beginIfComplete(round: number): boolean {
    const { memory, at } = this;
    const there = memory.loadAcquire(at + Control.arrived) + memory.loadAcquire(at + Control.dead);
    if (there < this.tasks) return false;
    memory.storeRelease(at + Control.round, round);
    memory.notify(at + Control.round);
    return true;
  }

  activate(task: number): void {
    this.memory.storeRelease(this.task(task) + TaskLog.active, 1);
  }

  deactivate(task: number): void {
    this.memory.storeRelease(this.task(task) + TaskLog.active, 0);
  }

  isActive(task: number): boolean {
    return this.memory.loadAcquire(this.task(task) + TaskLog.active) === 1;
  }

  /** True for the first task that says so. */
  failFirst(task: number): boolean {
    return this.memory.cmpxchg(this.at + Control.failed, 0, task + 1) === 0;
  }

  // ---- log ----

  /** Operations that a task has begun, mod 2^32. */
  begun(task: number): number {
    return this.memory.readOnce(this.task(task) + TaskLog.begun) >>> 0;
  }

  /** Changes whenever a task has begun an operation, other than in an interrupt. */
  progressOf(task: number): number {
    return this.memory.readOnce(this.task(task) + TaskLog.progress);
  }

  /** Enters operation number `n` of a task. Returns the entry, for `end` to note the result in. */
  begin(task: number, n: number, operation: number, argument: number): Address {
    const entry = this.enter(task, n, operation, argument);
    this.memory.writeOnce(this.task(task) + TaskLog.progress, n + 1);
    return entry;
  }

  /** The same in an interrupt, which is no progress of the operation that it interrupts. */
  beginInInterrupt(task: number, n: number, operation: number, argument: number): Address {
    return this.enter(task, n, operation + IN_INTERRUPT, argument);
  }

  private enter(task: number, n: number, name: number, argument: number): Address {
    const { memory } = this;
    const log = this.task(task);
    const entry = log + TaskLog.entries + (n % LOG_ENTRIES) * ENTRY_BYTES;
    memory.writeOnce(entry + Entry.name, name);
    memory.writeOnce(entry + Entry.argument, argument);
    memory.writeOnce(entry + Entry.object, PENDING);
    memory.writeOnce(entry + Entry.cpu, memory.smpProcessorId());
    memory.writeOnce(log + TaskLog.begun, n + 1);
    return entry;
  }

  end(entry: Address, object: Address): void {
    this.memory.writeOnce(entry + Entry.object, object);
  }

  /** The last operations of a task, oldest first. */
  lastOperations(task: number): LoggedOperation[] {
    const begun = this.begun(task);
    const count = Math.min(begun, LOG_ENTRIES);
    return Array.from({ length: count }, (_, i) => this.operation(task, begun - count + i));
  }

  private operation(task: number, n: number): LoggedOperation {
    const { memory } = this;
    const entry = this.task(task) + TaskLog.entries + (n % LOG_ENTRIES) * ENTRY_BYTES;
    const number = memory.readOnce(entry + Entry.name);
    const object = memory.readOnce(entry + Entry.object);
    return {
      name: OPERATIONS[number & (IN_INTERRUPT - 1)] ?? "kmalloc",
      argument: memory.readOnce(entry + Entry.argument),
      object: object === PENDING ? undefined : object,
      cpu: memory.readOnce(entry + Entry.cpu),
      inInterrupt: (number & IN_INTERRUPT) !== 0,
    };
  }

  // ---- mailboxes ----

  /** Leaves an object for another task; false if that slot is taken. */
  send(to: number, slot: number, object: Address): boolean {
    return this.memory.cmpxchg(this.slot(to, slot), 0, object) === 0;
  }

  /**
   * The content of a slot of a task's mailbox, an object or 0; only the task itself takes it out.
   */
  peek(task: number, slot: number): Address {
    return this.memory.loadAcquire(this.slot(task, slot));
  }

  /** Takes the object in a slot of a task's mailbox, or 0. */
  receive(task: number, slot: number): Address {
    return this.memory.xchg(this.slot(task, slot), 0);
  }

  private slot(task: number, slot: number): Address {
    return this.task(task) + TaskLog.mailbox + (slot % MAILBOX_SLOTS) * 4;
  }
}
