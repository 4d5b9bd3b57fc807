// SPDX-License-Identifier: GPL-2.0-only
/**
 * The world of a scenario: a small machine with a real allocator on it, every object in the ledger,
 * and one cache to experiment with. Built once; all its state is in the explored memory, so undoing
 * the writes of a schedule brings it back.
 */

import { type BootParameters, DEFAULT_BOOT_PARAMETERS } from "../caches/boot-parameters.ts";
import type { Reading } from "../caches/drawing.ts";
import { failPageAlloc } from "../caches/fail-page-alloc.ts";
import { failslab } from "../caches/failslab.ts";
import { type AllocatorName, type BuildOption, SLAB_TYPESAFE_BY_RCU } from "../caches/flags.ts";
import { DEFAULT_KERNEL, type KernelVersion } from "../caches/kernel-version.ts";
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import { trackedBytes } from "../caches/kmemleak/tracked-objects.ts";
import type { SlabReport } from "../caches/slab-report.ts";
import { isFree } from "../check/free-pages.ts";
import { Ledger, ledgerBytes } from "../check/ledger.ts";
import { withLedger } from "../check/with-ledger.ts";
import type { ExploredMemory } from "../explore/explored-memory.ts";
import type { MemoryModel } from "../explore/store-buffers.ts";
import {
  type Described,
  exploredMemory,
  serve,
  smallMachine,
  type World,
} from "../explore/world.ts";
import { memoryReserves, taskPolicies } from "../kernel/boot-classes.ts";
import {
  type Change,
  classesFor,
  inTurn,
  onAllocator,
  onCommon,
  onSlubLayer,
} from "../kernel/classes.ts";
import { withGroups } from "../kernel/group-classes.ts";
import { GroupSystem } from "../kernel/group-system.ts";
import type { Kmemleak } from "../kernel/kmemleak.ts";
import { kmemleakHooks } from "../kernel/kmemleak-classes.ts";
import { System } from "../kernel/system.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import { PAGE_SHIFT } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import type { Policies } from "../pages/policies.ts";
import type { Reserves } from "../pages/reserves.ts";
import { policiesOf } from "../pages/with-policies.ts";
import { reservesOf } from "../pages/with-reserves.ts";
import type { Slab } from "../slab/slab.ts";
import type { Slub } from "../slub/cpu-slab/slub.ts";
import { withSlabLock } from "../slub/options/slab-lock.ts";
import { type CheckerOptions, checkedSystem, checkerShadow, withCheckers } from "./checkers.ts";
import { ExploredKmemleak } from "./leak-scan.ts";
import { Mailbox } from "./mailbox.ts";
import { LaboratoryNames } from "./names.ts";

/** The machine and the cache a scenario runs on. */
export interface LaboratoryOptions extends CheckerOptions {
  readonly cpus?: number;
  readonly nodes?: number;
  readonly allocator?: AllocatorName;
  readonly kernel?: KernelVersion;
  /** `slab_lock`: a machine without the double-word swap. */
  readonly swap?: "double" | "slab_lock";
  /** Of the cache: bytes of an object (default 1024, four objects a slab), SLAB_ flags. */
  readonly size?: number;
  readonly flags?: number;
  /** SLUB: the cache's min_partial and cpu_partial, as in sysfs. */
  readonly minPartial?: number;
  readonly cpuPartial?: number;
  /** slub_max_order, default 0: slabs are single pages. */
  readonly maxOrder?: number;
  /** Caches of one kind share their slabs. Default no. */
  readonly merges?: boolean;
  /** A debug cache repairs what it finds and goes on, as the kernel does. Default: that is a failure. */
  readonly survivesReports?: boolean;
  /**
   * SLUB of 6.19 and 7.1: objects that a sheaf holds; in 7.1 fewer than the kernel would have, to keep
   * stories short.
   */
  readonly sheafCapacity?: number;
}

/** Parts of a laboratory that only some scenarios need. */
export interface Equipment {
  /** What chance decides is a choice of the schedule, where there are several nodes. */
  readonly chance: boolean;
  /** Allocations of objects or pages can be made to fail. */
  readonly faults: boolean;
  /** There are memory groups. */
  readonly groups: boolean;
  /** kmemleak knows the objects. */
  readonly kmemleak: boolean;
  /** Objects can be handed over. */
  readonly mailbox: boolean;
  /** Tasks have memory policies and cpusets. */
  readonly policies: boolean;
  /** There are watermarks and reserves. */
  readonly reserves: boolean;
  /** The names of the contexts, whose numbers are those of their tasks. */
  readonly contexts: readonly string[];
  /** Nodes go offline. */
  readonly nodesGo: boolean;
  /** Readers look at objects that are given to kfree_rcu. */
  readonly readers: boolean;
  /** When the other CPUs see a store. */
  readonly memory: MemoryModel;
}

const NOTHING: Equipment = {
  chance: false,
  faults: false,
  groups: false,
  kmemleak: false,
  mailbox: false,
  policies: false,
  reserves: false,
  contexts: [],
  nodesGo: false,
  readers: false,
  memory: "sc",
};

/** Objects handed over and not yet taken; objects given to kfree_rcu in a whole run. */
const MOST_HANDED_OVER = 4;
const MOST_RETIRED = 16;

const withFaults: Change = inTurn(
  onAllocator(failslab),
  onCommon(({ Pages }) => ({ Pages: failPageAlloc(Pages) })),
);

/** An error that a debug cache finds ends the run instead of being repaired. */
function refuseReport({ failure, cache, message, object = 0 }: SlabReport): never {
  throw new KernelBug(failure, `${cache}: object 0x${object.toString(16)}: ${message}`);
}

/** Free pages that are enough for the steps of any scenario. */
const ROOM_PAGES = 512;

export class Laboratory implements World {
  readonly memory: ExploredMemory;
  readonly system: System;
  readonly ledger: Ledger;
  /** The cache the scenario is about. */
  readonly s: KmemCachePtr;
  /** How drawings and checks read the memory, unseen by the schedule. */
  readonly reading: Reading;
  /** Slabs of the scenario's cache stay as long as a reader may see them. */
  readonly isTypesafe: boolean;
  /** Requests for pages may fail, a node be gone, or a group reach its limit. */
  private readonly takesMemory: boolean;
  /** The set-up has left more than any scenario needs. */
  private hasRoom = false;
  private readonly names: LaboratoryNames;
  private readonly handedOver: Mailbox | undefined;
  private readonly contexts: readonly string[];
  /**
   * Objects that no reader finds any more: as code does that uses kfree_rcu, they are taken out of
   * sight first. Undefined: there are no readers.
   */
  readonly retired: Mailbox | undefined;

  constructor(options: LaboratoryOptions, change: Change, equipment: Equipment = NOTHING) {
    const { cpus = 1, nodes = 1, allocator = "slub", kernel = DEFAULT_KERNEL } = options;
    this.isTypesafe = ((options.flags ?? 0) & SLAB_TYPESAFE_BY_RCU) !== 0;
    const { faults, groups, kmemleak, nodesGo, reserves, policies } = equipment;
    this.takesMemory = faults || groups || nodesGo || reserves || policies;
    const plain = smallMachine(cpus, { nodes });
    const shadow =
      checkerShadow(options, plain.memory) + (kmemleak ? trackedBytes(plain.memory) : 0);
    const machineOptions = { ...plain, checker: ledgerBytes(plain.memory), shadow };
    this.memory = exploredMemory(machineOptions, equipment.memory);
    // A late store may come after the notification that belongs to it.
    if (equipment.memory === "sc") this.memory.requireNotify();
    const isOpen = equipment.chance && nodes > 1;
    this.memory.decideByChoice({ cycles: isOpen, random: isOpen && policies });
    const table = classesFor(allocator, kernel);
    const plainBase = options.swap === "slab_lock" ? onSlubLayer(withSlabLock)(table) : table;
    const checked = withCheckers(options)(plainBase);
    const grouped = equipment.groups ? withGroups(kernel)(checked) : checked;
    const faulty = equipment.faults ? withFaults(grouped) : grouped;
    const reserved = equipment.reserves ? memoryReserves(faulty) : faulty;
    const base = equipment.policies ? taskPolicies(reserved) : reserved;
    // Pages of one size, so that slabs are small and freed pages of any cache are alike.
    const parameters: BootParameters = {
      ...DEFAULT_BOOT_PARAMETERS,
      slubMaxOrder: options.maxOrder ?? 0,
      slabNoMerge: options.merges !== true,
    };
    const BuiltSystem = checkedSystem(equipment.groups ? GroupSystem : System, options);
    const config: BuildOption[] = equipment.groups ? ["MEMCG_KMEM"] : [];
    if (options.kasan === true) config.push("KASAN");
    this.system = new BuiltSystem(this.memory, machineOptions, {
      kernel,
      parameters,
      config,
      classes: kmemleak ? kmemleakHooks(withLedger(change(base))) : withLedger(change(base)),
    });
    serve(this.memory, this.system.machine);
    if (this.system.common.kasan) this.system.common.kasan.reports.isFatal = true;
    this.contexts = equipment.contexts;
    this.ledger = new Ledger(this.system.common);
    if (options.survivesReports !== true) this.system.observer.onReport?.(refuseReport);
    const { machine } = this.system;
    if (equipment.mailbox) this.handedOver = new Mailbox(machine, MOST_HANDED_OVER, "handed over");
    if (equipment.readers) this.retired = new Mailbox(machine, MOST_RETIRED, "given to kfree_rcu");
    this.s = this.memory.runAs(0, () => this.boot(options));
    this.reading = {
      peek: (address) =>
        address > 0 && address < this.memory.byteLength ? this.memory.look(address & ~3) : 0,
      draw: (value) => this.names.draw(value),
    };
    this.names = new LaboratoryNames(this);
    this.closeFreePages(equipment.memory);
    this.memory.older?.dependOn((address) => this.structureOf(address));
  }

  /** An allocation without an object need be no mistake. */
  get mayLackMemory(): boolean {
    return this.takesMemory || !this.hasRoom;
  }

  /** The set-up is over. */
  settled(): void {
    this.hasRoom = this.system.pages.freePagesTotal() >= ROOM_PAGES;
  }

  /** With late stores a page may be in use before all CPUs see that it is not free. */
  private closeFreePages(model: MemoryModel): void {
    if (model !== "sc") return;
    const { memory, system } = this;
    const peek = (address: Address): number => memory.peek(address);
    memory.closeWhere((address) => isFree(system.pages, peek, address));
  }

  /** A page and its descriptor are one structure: who knows one can reach the other. Else a cache line is. */
  private structureOf(address: Address): number {
    const { array } = this.system.pages;
    const { free, end } = this.memory.layout;
    if (address < free || address >= end) return ~(address >>> 6);
    const isDescriptor = address >= array.numbered(array.first) && address < array.of(end);
    return isDescriptor ? array.number(address) : address >>> PAGE_SHIFT;
  }

  private boot(options: LaboratoryOptions): KmemCachePtr {
    const { system } = this;
    system.boot();
    const s = system.kmemCacheCreate("scenario", options.size ?? 1024, {
      flags: options.flags ?? 0,
      // 6.19 has sheaves only where they are asked for.
      ...(options.sheafCapacity === undefined ? {} : { sheafCapacity: options.sheafCapacity }),
    });
    system.observer.setLimits?.(s, options);
    this.forgetBoot();
    return s;
  }

  /** Objects of the boot are of no interest to kmemleak. */
  private forgetBoot(): void {
    const { common, machine, pages } = this.system;
    const { kmemleak } = common;
    const own = kmemleak?.within(pages.firstAddress, machine.layout.end) ?? [];
    for (const object of [...own]) kmemleak?.freed(object);
  }

  /** A kmemleak that has scanned nothing yet. */
  kmemleak(): Kmemleak {
    const tracked = this.system.common.kmemleak;
    if (tracked === undefined) throw new RangeError("kmemleak is off here");
    return new ExploredKmemleak(this.system, tracked, this.ledger);
  }

  get mailbox(): Mailbox {
    if (this.handedOver === undefined) throw new RangeError("nothing is handed over here");
    return this.handedOver;
  }

  get policies(): Policies {
    const policies = policiesOf(this.system.pages);
    if (policies === undefined) throw new RangeError("no task has a policy here");
    return policies;
  }

  get reserves(): Reserves {
    const reserves = reservesOf(this.system.pages);
    if (reserves === undefined) throw new RangeError("there are no reserves here");
    return reserves;
  }

  /** The number of a context's task. */
  taskNamed(name: string): number {
    return this.contexts.indexOf(name);
  }

  /** The allocator, if it is SLUB: for steps written in TypeScript, of one allocator only. */
  get slub(): Slub | undefined {
    const { allocator } = this.system;
    return allocator.name === "slub" ? (allocator as Slub) : undefined;
  }

  get slab(): Slab | undefined {
    const { allocator } = this.system;
    return allocator.name === "slab" ? (allocator as Slab) : undefined;
  }

  describe(address: Address): Described {
    return this.memory.inspect(() => this.names.describe(address));
  }

  /** A word drawn: an object, a slab, or a number. */
  draw(value: number): string {
    return this.memory.inspect(() => this.names.draw(value));
  }
}
