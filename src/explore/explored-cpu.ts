/**
 * The half of an explored memory that is about running: who runs where, with interrupts and
 * preemption on or off, waiting, and what every access has in common. The other half, the accesses
 * themselves, is explored-memory.ts.
 *
 * It holds no shared state of its own: words live in a backing memory, are changed through the
 * journal and so can be taken back; what belongs to a context lives in its Context.
 */
import { Cpu, POLL_ASKED, POLL_OWN, sizeOfCpu } from "../machine/cpus.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import { type MachineLayout, PAGE_SIZE } from "../machine/machine.ts";
import type { Address, IrqFlags, Memory } from "../machine/memory.ts";
import { Journal } from "./journal.ts";
import * as k from "./kinds.ts";
import { Sharing } from "./sharing.ts";
import { Suspension } from "./suspension.ts";

export abstract class ExploredCpu extends Suspension {
  readonly byteLength: number;
  readonly journal: Journal;
  readonly sharing: Sharing;
  readonly layout: MachineLayout;
  readonly cpus: number;
  protected readonly backing: Memory;
  /** First byte of the checker's room: logged, but no point. */
  protected readonly checkerStart: Address;
  /** Byte offset of the area of the CPU that runs. */
  protected area: Address = 0;

  /** Runs a pending inter-processor call of the running CPU; interrupts are off. */
  onCall: () => void = () => undefined;
  /** Does all that waits for the running CPU, which is between operations. */
  onQuiescent: () => void = () => undefined;

  /** Contexts in mid-operation on each CPU, those asleep not counted. */
  readonly busy: number[];
  /** Somebody waits, so that any write may change who can run. */
  hasWaiters = false;
  /** Who can run may have changed. */
  isStale = true;

  /** `backing` is of a machine laid out as `layout` says, with `cpus` CPUs, which nobody else uses. */
  constructor(backing: Memory, layout: MachineLayout, cpus: number) {
    super();
    if (backing.byteLength > k.MAX_EXPLORED_BYTES) {
      throw new RangeError(`only ${k.MAX_EXPLORED_BYTES} bytes of memory can be explored`);
    }
    this.backing = backing;
    this.byteLength = backing.byteLength;
    this.layout = layout;
    this.cpus = cpus;
    this.journal = new Journal(backing);
    this.sharing = new Sharing(backing.byteLength, layout.cpuBase, layout.taskBase);
    this.checkerStart = layout.end;
    this.busy = Array.from({ length: cpus }, () => 0);
    this.becomeCpu(0);
  }

  abstract xchg(address: Address, value: number): number;

  // ---- what every access does ----

  /** A word is about to be accessed live: checks the address, and lets others go first. */
  protected arrive(kind: number, address: Address): void {
    if (!this.exploring) return;
    if (this.isUnwinding) this.suspend();
    if (address < PAGE_SIZE || address >= this.byteLength) this.badAccess(kind, address);
    if (address >= this.checkerStart) return;
    this.point(kind, address, this.sharing.touch(address, this.context.id));
  }

  protected arriveAligned(kind: number, address: Address): void {
    if ((address & 3) !== 0 && this.exploring && !this.isUnwinding) this.badAccess(kind, address);
    this.arrive(kind, address);
  }

  /** Something without a word. */
  protected arriveBare(kind: number, matters: boolean): void {
    if (this.isUnwinding) this.suspend();
    this.point(kind, 0, matters);
  }

  protected canMigrate(): boolean {
    return this.context.migrates && this.context.isPreemptible;
  }

  protected badAccess(kind: number, address: Address): never {
    const what = address >= PAGE_SIZE && address < this.byteLength ? "misaligned" : "bad";
    const { name, operationName } = this.context;
    throw new KernelBug(
      "bad-access",
      `${what} ${k.kindName(kind)} at 0x${(address >>> 0).toString(16)} by ${operationName} of ${name}`,
    );
  }

  /** Done: logs, and tells who watches. */
  protected done(kind: number, address: Address, value: number, a = 0, b = 0): number {
    this.keep(kind, address, value);
    this.observed(kind, address, value, a, b);
    return value;
  }

  protected observed(kind: number, address: Address, value: number, a: number, b: number): void {
    if (this.observer === undefined || !this.exploring) return;
    this.observer.accessed(this.context, kind, address, value, a, b);
  }

  protected store(address: Address, value: number): void {
    if (this.hasWaiters || (address >= this.layout.cpuBase && address < this.layout.taskBase)) {
      this.isStale = true;
    }
    this.journal.change(address, value);
  }

  // ---- the state of the running context ----

  irqSave(): IrqFlags {
    const enabled = !this.context.irqsOff;
    if (enabled) this.irqDisable();
    return enabled;
  }
  irqRestore(flags: IrqFlags): void {
    if (flags) this.irqEnable();
    else this.irqDisable();
  }
  irqEnable(): void {
    if (this.isUnwinding) this.suspend();
    if (!this.context.irqsOff) return;
    this.context.irqsOff = false;
    this.isStale = true;
  }
  irqDisable(): void {
    if (this.context.irqsOff) return;
    this.closeWindow(k.IRQS_OFF);
    this.context.irqsOff = true;
    this.isStale = true;
  }
  irqsDisabled(): boolean {
    return this.context.irqsOff;
  }
  preemptDisable(): void {
    if (this.context.isPreemptible) this.closeWindow(k.PREEMPT_OFF);
    this.context.preemptCount++;
    this.isStale = true;
  }
  preemptEnable(): void {
    if (this.isUnwinding) this.suspend();
    this.context.preemptCount--;
    if (this.context.isPreemptible) this.isStale = true;
  }

  /**
   * The last moment for whoever may only come while interrupts, or preemption, are on: always a point,
   * so that neither a window without any access is overlooked nor what follows its last one.
   */
  private closeWindow(kind: number): void {
    if (this.position < this.logged) {
      this.recall(kind, 0);
    } else if (this.exploring) {
      this.arriveBare(kind, true);
      this.keep(kind, 0, 0);
    }
  }

  protected override becomeCpu(cpu: number): void {
    this.area = this.layout.percpuStart + cpu * this.layout.percpuStride;
  }

  smpProcessorId(): number {
    if (this.position < this.logged) return this.recall(k.CPU_ID, 0);
    if (this.exploring) this.arriveBare(k.CPU_ID, this.canMigrate());
    return this.keep(k.CPU_ID, 0, this.context.cpu);
  }
  current(): number {
    return Math.max(this.context.id, 0);
  }
  /** Time stands still. */
  getCycles(): number {
    return 0;
  }
  /** The same sequence for the same operation of the same context, however often it is run. */
  random(): number {
    const { context } = this;
    let x = Math.imul(context.id + 2, 0x9e3779b1) ^ Math.imul(context.operation + 1, 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 15) ^ ++context.draws, 0x2c1b3c6d);
    x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
    return x ^ (x >>> 15);
  }

  // ---- waiting ----

  waitWhile(address: Address, value: number, holder = 0): void {
    if (this.position < this.logged) {
      this.recall(k.WAIT, address);
      return;
    }
    this.arriveAligned(k.WAIT, address);
    const found = this.backing.read32(address);
    if (found !== value) {
      this.done(k.WAIT, address, found);
      return;
    }
    const { context } = this;
    if (!this.exploring || holder === context.id + 1) this.waitsForever(address);
    context.waitAddress = address;
    context.waitValue = value;
    context.waitHolder = holder;
    context.pendingKind = k.WAIT;
    context.pendingAddress = address;
    this.pilot.blocked();
    this.suspend();
  }

  private waitsForever(address: Address): never {
    const { name, operationName } = this.context;
    const why = this.exploring ? "which it holds itself" : "and nobody else runs";
    throw new KernelBug(
      "deadlock",
      `deadlock: ${operationName} of ${name} waits for ${this.nameOf(address)}, ${why}`,
    );
  }

  /** Waiters are woken by the word itself. */
  notify(_address: Address): void {}

  pollWord(cpu: number): Address {
    return this.layout.cpuBase + cpu * sizeOfCpu + Cpu.poll;
  }

  kick(cpu: number): void {
    const address = this.pollWord(cpu);
    if (this.position < this.logged) {
      this.recall(k.KICK, address);
      return;
    }
    this.arrive(k.KICK, address);
    const asked = cpu === this.context.cpu ? POLL_OWN : POLL_ASKED;
    const found = this.backing.read32(address);
    if (asked === POLL_ASKED || found === 0) this.store(address, asked);
    this.done(k.KICK, address, asked);
    if (!this.exploring && cpu !== this.context.cpu) this.runOutside(cpu, () => this.serve());
  }

  // ---- outside of exploration ----

  /** Runs `section` as `cpu`, then what it left for that CPU to do. For set-up and checks. */
  runAs<T>(cpu: number, section: () => T): T {
    return this.runOutside(cpu, () => {
      const result = section();
      if (this.backing.read32(this.pollWord(cpu)) !== 0) this.serve();
      return result;
    });
  }

  private runOutside<T>(cpu: number, section: () => T): T {
    const { outside } = this;
    const { cpu: was, irqsOff, preemptCount } = outside;
    this.beOutside(cpu, false, 0);
    this.setLease(cpu, 1);
    try {
      return section();
    } finally {
      this.setLease(cpu, 0);
      this.beOutside(was, irqsOff, preemptCount);
    }
  }

  private beOutside(cpu: number, irqsOff: boolean, preemptCount: number): void {
    const { outside } = this;
    outside.cpu = cpu;
    outside.irqsOff = irqsOff;
    outside.preemptCount = preemptCount;
    this.becomeCpu(cpu);
  }

  /** Says who runs as `cpu`: task number + 1, or 0 for nobody. */
  setLease(cpu: number, holder: number): void {
    this.store(this.leaseWord(cpu), holder);
  }

  leaseWord(cpu: number): Address {
    return this.layout.cpuBase + cpu * sizeOfCpu + Cpu.lease;
  }

  /** Does what waits for the running CPU, between operations: interrupts on, no preemption. */
  serve(): void {
    this.preemptDisable();
    this.xchg(this.pollWord(this.context.cpu), 0);
    this.onQuiescent();
    this.preemptEnable();
  }

  /** The word as it is now, for whoever decides. */
  peek(address: Address): number {
    return this.backing.read32(address);
  }
}
