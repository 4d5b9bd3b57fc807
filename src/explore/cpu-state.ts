// SPDX-License-Identifier: MIT
/**
 * The CPU as the running context sees it: its number, its area, and whether interrupts and preemption
 * are on. That state belongs to the context and moves with it. Between operations, and in set-up and
 * checks, the context `outside` runs.
 */
import type { MachineLayout } from "../machine/machine.ts";
import type { Address, IrqFlags } from "../machine/memory.ts";
import type { AccessLog } from "./access-log.ts";
import { Context } from "./context.ts";
import * as k from "./kinds.ts";
import type { RunnableWatch } from "./runnable-watch.ts";
import type { StopRule } from "./stop-rule.ts";

/** The parts of the memory that the state needs. */
export interface CpuStateParts {
  readonly layout: MachineLayout;
  readonly log: AccessLog;
  readonly stops: StopRule;
  readonly runnable: RunnableWatch;
}

/** What of a CPU is left to chance, where it decides a branch. */
export interface Chances {
  /** Of the cycle counter only its last ten bits ever matter: nothing of them is set, or all. */
  readonly cycles?: boolean;
  readonly random?: boolean;
}

const LATE_CYCLES = 1023;

export class CpuState {
  private readonly layout: MachineLayout;
  private readonly log: AccessLog;
  private readonly stops: StopRule;
  private readonly runnable: RunnableWatch;
  private readonly outside = new Context(-1, "task", { name: "set-up", cpu: 0, operations: [] });
  private running: Context = this.outside;
  /** First byte of the running CPU's area. */
  private areaStart: Address = 0;
  private chances: Chances = {};

  constructor({ layout, log, stops, runnable }: CpuStateParts) {
    this.layout = layout;
    this.log = log;
    this.stops = stops;
    this.runnable = runnable;
    this.run(this.outside);
  }

  // ---- the running context ----

  /** The context that runs. */
  get context(): Context {
    return this.running;
  }

  /** `context` begins or repeats its operation, in the state it began with. */
  enter(context: Context): void {
    context.restart();
    this.run(context);
  }

  leave(): void {
    this.run(this.outside);
  }

  /** Runs `section` outside of all contexts. */
  paused<T>(section: () => T): T {
    const { running } = this;
    this.leave();
    try {
      return section();
    } finally {
      this.run(running);
    }
  }

  /** Runs `section` outside of all contexts, as `cpu`, with interrupts and preemption on. */
  as<T>(cpu: number, section: () => T): T {
    const { outside } = this;
    const { cpu: was, irqsOff, preemptCount } = outside;
    outside.cpu = cpu;
    outside.irqsOff = false;
    outside.preemptCount = 0;
    this.run(outside);
    try {
      return section();
    } finally {
      outside.cpu = was;
      outside.irqsOff = irqsOff;
      outside.preemptCount = preemptCount;
      this.run(outside);
    }
  }

  private run(context: Context): void {
    this.running = context;
    this.areaStart = this.areaOf(context.cpu);
  }

  // ---- its CPU ----

  areaOf(cpu: number): Address {
    return this.layout.percpuStart + cpu * this.layout.percpuStride;
  }

  /** The area of the running CPU. */
  get area(): Address {
    return this.areaStart;
  }

  number(): number {
    const { log } = this;
    if (log.isRecalling) return log.recall(k.CPU_ID, 0);
    this.stops.beforePlace(k.CPU_ID);
    const { cpu } = this.running;
    log.record(k.CPU_ID, 0, cpu);
    return cpu;
  }

  // ---- interrupts and preemption ----

  irqSave(): IrqFlags {
    const enabled = !this.running.irqsOff;
    if (enabled) this.irqDisable();
    return enabled;
  }

  irqRestore(flags: IrqFlags): void {
    if (flags) this.irqEnable();
    else this.irqDisable();
  }

  irqEnable(): void {
    this.stops.checkIsStaying();
    if (!this.running.irqsOff) return;
    this.running.irqsOff = false;
    this.runnable.changed();
  }

  irqDisable(): void {
    if (this.running.irqsOff) return;
    this.closeWindow(k.IRQS_OFF);
    this.running.irqsOff = true;
    this.runnable.changed();
  }

  irqsDisabled(): boolean {
    return this.running.irqsOff;
  }

  preemptDisable(): void {
    if (this.running.isPreemptible) this.closeWindow(k.PREEMPT_OFF);
    this.running.preemptCount++;
    this.runnable.changed();
  }

  preemptEnable(): void {
    this.stops.checkIsStaying();
    this.running.preemptCount--;
    if (this.running.isPreemptible) this.runnable.changed();
  }

  private closeWindow(kind: number): void {
    const { log } = this;
    if (log.isRecalling) {
      log.recall(kind, 0);
    } else {
      this.stops.beforeClosing(kind);
      log.record(kind, 0, 0);
    }
  }

  // ---- chance ----

  /** What chance decides from now on is a choice of the schedule. */
  decideByChoice(chances: Chances): void {
    this.chances = chances;
  }

  cycles(): number {
    if (this.chances.cycles !== true) return 0;
    return this.choose(k.CYCLES) === 0 ? 0 : LATE_CYCLES;
  }

  /** A number of a fixed sequence or, where it is a choice, that number or the next. */
  random(): number {
    const drawn = this.draw();
    return this.chances.random === true ? (drawn + this.choose(k.RANDOM)) | 0 : drawn;
  }

  /** 0, or 1: the other way. */
  private choose(what: number): number {
    const { log, running } = this;
    if (log.isRecalling) return log.recall(k.CPU_ID, what);
    this.runnable.changed();
    this.stops.beforeChance(k.CPU_ID, what);
    const { way } = running;
    running.way = 0;
    this.runnable.changed();
    log.record(k.CPU_ID, what, way);
    return way;
  }

  /** The same sequence for the same operation of the same context, however often it runs. */
  private draw(): number {
    const { running } = this;
    let x = Math.imul(running.id + 2, 0x9e3779b1) ^ Math.imul(running.operation + 1, 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 15) ^ ++running.draws, 0x2c1b3c6d);
    x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
    return x ^ (x >>> 15);
  }
}
