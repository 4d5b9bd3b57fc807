// SPDX-License-Identifier: GPL-2.0-only
/**
 * `slablab scale --model`: what an operation is made of, counted in runs that nothing disturbs. The
 * CPUs are tasks of one thread and take turns of one stretch of their workload each (an operation, a
 * batch or a round), so every count is the same on every machine, and a change of the allocator shows
 * to the unit.
 *
 * The allocator's own text runs, not the paths written for direct memory. What passes objects
 * between the CPUs is not counted.
 */
import { hasSlab, type KernelVersion } from "../../src/caches/kernel-version.ts";
import { attach, boot, type Kernel, MIB, systemOf, threadOf } from "../../src/kernel/kernel.ts";
import { sizeOfCpu, sizeOfTask } from "../../src/machine/cpus.ts";
import { createMachine, directMemory, Machine, PAGE_SIZE } from "../../src/machine/machine.ts";
import type { Address } from "../../src/machine/memory.ts";
import { sizeOf } from "../../src/machine/struct.ts";
import { Page } from "../../src/pages/page.ts";
import { Random } from "../random.ts";
import { ScaleControl, scaleControlBytes } from "../scaling/control.ts";
import { Exchange } from "../scaling/exchange.ts";
import type { Handle } from "../scaling/subject.ts";
import type { SubjectInfo } from "../scaling/subjects/index.ts";
import { type Caches, kernelSubject } from "../scaling/subjects/kernel.ts";
import type { Player, Workload } from "../scaling/workload.ts";
import { CacheLines, type Transfer } from "./cache-lines.ts";
import { type Counter, modelledMemory } from "./modelled-memory.ts";
import { lockWait, type Prices } from "./prices.ts";

export interface ModelKey {
  readonly subject: SubjectInfo;
  readonly kernel: KernelVersion;
  readonly workload: Workload;
  readonly size: number;
  readonly cpus: number;
  readonly nodes: number;
}

/** All counts are per operation. */
export interface ModelPoint {
  readonly allocator: string;
  readonly kernel: KernelVersion;
  readonly workload: string;
  readonly size: number;
  readonly cpus: number;
  readonly nodes: number;
  readonly operations: number;
  readonly accesses: number;
  readonly locked: number;
  readonly locks: number;
  readonly transfers: number;
  /** Those from another node, and those that only a neighbour on the line made necessary. */
  readonly far: number;
  readonly needless: number;
  /** ns: priced, and the part of it that waits for locks. */
  readonly ns: number;
  readonly lockWait: number;
  /** Lines that moved most, in transfers an operation. */
  readonly lines: readonly {
    readonly name: string;
    readonly transfers: number;
    readonly needless: number;
  }[];
}

const MEMORY = 64 * MIB;
const WARM_UP = 2000;
const OPERATIONS = 4000;
const LINES_SHOWN = 8;
const CACHE_LINE = 64;

/** Ends a stretch where a thread would wait: the others have their turns first. */
class TurnExchange<H extends Handle> extends Exchange<H> {
  private waits = false;

  begin(): void {
    this.waits = false;
  }

  override get stopped(): boolean {
    return this.waits;
  }

  override waitForRoom(): void {
    this.waits = true;
  }

  override waitForMail(): void {
    this.waits = true;
  }
}

class Costs implements Counter {
  /** Off between stretches: taking a CPU and leaving it depends on the clock. */
  isOn = false;
  accesses = 0;
  lockedInstructions = 0;
  locks = 0;
  transfers = 0;
  far = 0;
  readonly lines: CacheLines;
  private readonly prices: Prices;
  private ns = 0;
  private readonly taken = new Map<Address, number>();
  /** By lock: ns held, and the CPUs that took it. */
  readonly held = new Map<Address, { ns: number; readonly cpus: Set<number> }>();

  constructor(nodeOf: (cpu: number) => number, prices: Prices) {
    this.lines = new CacheLines(nodeOf);
    this.prices = prices;
  }

  get total(): number {
    return this.ns;
  }

  read(cpu: number, address: Address): void {
    if (!this.isOn) return;
    this.pay(this.lines.read(cpu, address));
  }

  write(cpu: number, address: Address): void {
    if (!this.isOn) return;
    this.pay(this.lines.write(cpu, address));
  }

  locked(cpu: number, address: Address): void {
    if (!this.isOn) return;
    this.lockedInstructions++;
    this.ns += this.prices.locked;
    this.write(cpu, address);
  }

  lockTaken(_cpu: number, at: Address): void {
    if (!this.isOn) return;
    this.locks++;
    this.taken.set(at, this.ns);
  }

  lockReleased(cpu: number, at: Address): void {
    const since = this.taken.get(at);
    if (since === undefined) return;
    const held = this.held.get(at) ?? { ns: 0, cpus: new Set() };
    held.ns += this.ns - since;
    held.cpus.add(cpu);
    this.held.set(at, held);
  }

  private pay(transfer: Transfer | undefined): void {
    this.accesses++;
    this.ns += this.prices.access;
    if (transfer === undefined) return;
    this.transfers++;
    if (transfer.isFar) this.far++;
    this.ns += this.prices.transfer * (transfer.isFar ? 2 : 1);
  }

  /** The counts begin anew, with the caches as they are. */
  forget(): void {
    Object.assign(this, { accesses: 0, lockedInstructions: 0, locks: 0, transfers: 0, far: 0 });
    this.ns = 0;
    this.taken.clear();
    this.held.clear();
    this.lines.forget();
  }
}

/** Whether that allocator exists in that version, and the workload makes sense there. */
export function isModelled({ subject, kernel, workload, cpus }: ModelKey): boolean {
  if (subject.boot === undefined || subject.variant !== undefined) return false;
  if (subject.boot.allocator === "slab" && !hasSlab(kernel)) return false;
  if (workload.sizes === "mixed" && subject.singleSize) return false;
  return cpus >= workload.leastCpus;
}

export function model(key: ModelKey, prices: Prices): ModelPoint {
  const { subject, kernel, workload, size, cpus, nodes } = key;
  const machine = { cpus, nodes, memory: MEMORY, tasks: cpus + 1, seed: 1 };
  const booted = boot({ ...subject.boot, kernel, ...machine });
  const { topology } = systemOf(booted).machine;
  const costs = new Costs((cpu) => topology.cpuToNode(cpu), prices);
  const caches = new Map(size > 0 ? [[size, booted.kmemCacheCreate("model", size)]] : []);
  const memoryClass = modelledMemory(costs);
  const control = controlOf(cpus);
  const turns = Array.from({ length: cpus }, (_, cpu) =>
    turnOf(attach(booted.shared, { memoryClass }), { key, costs, caches, control, cpu }),
  );
  const run = (operations: number): number => {
    let done = 0;
    while (done < operations) for (const turn of turns) done += turn();
    return done;
  };
  run(WARM_UP * cpus);
  costs.forget();
  const operations = run(OPERATIONS * cpus) / workload.sides;
  return pointOf(key, costs, operations, (address) => nameOf(booted, address));
}

/** What lies there, as far as the layout of the machine tells. */
function nameOf(kernel: Kernel, address: Address): string {
  const { machine, pages } = systemOf(kernel);
  const { layout } = machine;
  const into = (start: Address, stride: number): string =>
    `${Math.floor((address - start) / stride)} + ${(address - start) % stride}`;
  if (address < layout.taskBase) return `CPU ${into(layout.cpuBase, sizeOfCpu)}`;
  if (address < layout.staticsStart) return `task ${into(layout.taskBase, sizeOfTask)}`;
  const object = machine.statics
    .list()
    .find(({ at, bytes }) => address < at + bytes && address + CACHE_LINE > at);
  if (address < layout.percpuStart) return object?.name ?? "statics";
  if (address < layout.percpuEnd) {
    return `area of CPU ${into(layout.percpuStart, layout.percpuStride)}`;
  }
  if (pages.virtAddrValid(address)) return `page ${into(0, PAGE_SIZE)}`;
  return `struct page ${into(pages.array.base, sizeOf(Page))}`;
}

function controlOf(cpus: number): ScaleControl {
  const checker = scaleControlBytes(cpus);
  const size = { cpus, nodes: 1, memory: 16 * MIB, tasks: cpus, checker };
  const bare = createMachine({ ...size, atomics: "wasm", seed: 1 });
  return new ScaleControl(new Machine(directMemory(bare), bare.options), cpus);
}

interface Place {
  readonly key: ModelKey;
  readonly costs: Costs;
  readonly caches: Caches;
  readonly control: ScaleControl;
  readonly cpu: number;
}

/** Does one stretch of that CPU's work, and says how many operations it was. */
function turnOf(kernel: Kernel, { key, costs, caches, control, cpu }: Place): () => number {
  const { subject: info, workload, size, cpus } = key;
  const subject = kernelSubject(kernel, info.kind, caches, size);
  const exchange = new TurnExchange<Address>(control, cpu, undefined);
  const random = new Random(1, cpu);
  const context = { subject, exchange, random, cpu, cpus, size };
  const player = kernel.run((): Player => workload.start(context), cpu);
  return () => {
    exchange.begin();
    return kernel.run(() => {
      // What others have asked of this CPU is done now, whenever it was asked.
      threadOf(kernel).poll();
      costs.isOn = true;
      const done = player.run(1);
      costs.isOn = false;
      return done;
    }, cpu);
  };
}

function pointOf(
  key: ModelKey,
  costs: Costs,
  operations: number,
  nameOf: (address: Address) => string,
): ModelPoint {
  const { subject, kernel, workload, size, cpus, nodes } = key;
  const each = (n: number) => n / operations;
  // A lock that one CPU takes is never waited for.
  const held = [...costs.held.values()]
    .filter((lock) => lock.cpus.size > 1)
    .map(({ ns }) => each(ns));
  const work = each(costs.total);
  const alone = Math.max(0, work - held.reduce((sum, ns) => sum + ns, 0));
  const wait = lockWait(cpus, alone, held);
  const lines = costs.lines.traffic();
  return {
    ...{ allocator: subject.name, kernel, workload: workload.name, size, cpus, nodes, operations },
    accesses: each(costs.accesses),
    locked: each(costs.lockedInstructions),
    locks: each(costs.locks),
    transfers: each(costs.transfers),
    far: each(costs.far),
    needless: each(lines.reduce((sum, line) => sum + line.needless, 0)),
    ns: work + wait,
    lockWait: wait,
    lines: lines.slice(0, LINES_SHOWN).map(({ address, transfers, needless }) => ({
      ...{ name: nameOf(address), transfers: each(transfers), needless: each(needless) },
    })),
  };
}
