// SPDX-License-Identifier: GPL-2.0-only
/**
 * A script's way through one cache: its objects and slabs by number, and what is told of each step.
 * Grace periods pass after each operation.
 */
import { SLAB_TYPESAFE_BY_RCU } from "../../caches/flags.ts";
import { KmemCacheBase, type KmemCachePtr } from "../../caches/kmem-cache.ts";
import type { TraceStyle, TraceView } from "../../caches/trace-view.ts";
import { type Kernel, systemOf } from "../../kernel/kernel.ts";
import type { Address } from "../../machine/memory.ts";
import { quoted } from "../../machine/quoted.ts";
import { GFP_KERNEL } from "../../pages/gfp.ts";
import { Page, type PagePtr, PG_SLAB } from "../../pages/page.ts";
import { type Command, ScriptError, type ScriptLine } from "./commands.ts";

/** `["A", id, slab, index, state?]` and its like. */
export type Event = readonly unknown[];

export interface Step {
  readonly cmd: string;
  readonly ev: Event[];
  readonly snap?: Record<string, unknown>;
}

export interface Trace {
  /** Shape of the first cache; an empty object where the script creates none. */
  readonly cache: Record<string, unknown>;
  readonly steps: Step[];
}

/** What can be done without a cache. */
const NEEDS_NO_CACHE: ReadonlySet<Command["kind"]> = new Set(["create", "cpu", "quiet"]);
/** Chance in 1024: always. */
const ALWAYS = 1024;

export class ScriptRun {
  protected readonly kernel: Kernel;
  protected readonly view: TraceView;
  private readonly ctor: number;
  /** Address of each object by number; 0 once it is free. */
  protected objects: Address[] = [];
  /** Slabs of which objects were handed out, by head page. */
  protected readonly slabs = new Map<PagePtr, number>();
  protected nextSlab = 0;
  protected s: KmemCachePtr = 0;
  protected cpu = 0;
  protected quiet = false;
  protected cache: Record<string, unknown> = {};

  constructor(kernel: Kernel, style: TraceStyle) {
    this.kernel = kernel;
    this.view = systemOf(kernel).observer.traceView(style);
    this.ctor = kernel.registerConstructor(() => undefined);
  }

  run(lines: readonly ScriptLine[]): Trace {
    const steps = lines.map(({ text, command }): Step => {
      if (this.s === 0 && !NEEDS_NO_CACHE.has(command.kind)) {
        throw new ScriptError(`${quoted(text)}: there is no cache; begin with C`);
      }
      const ev = this.step(command, text);
      if (command.kind !== "show") return { cmd: text, ev };
      return { cmd: text, ev, snap: this.view.snapshot(this.s, this.numbers) };
    });
    return { cache: this.cache, steps };
  }

  protected step(command: Command, text: string): Event[] {
    switch (command.kind) {
      case "create":
        return this.create(command, text);
      case "allocate":
        if (command.node >= systemOf(this.kernel).machine.options.nodes) {
          throw new ScriptError(`${quoted(text)}: this machine has no such node`);
        }
        return times(command.count, () =>
          this.operation((tell) => this.allocate(tell, command.node)),
        );
      case "allocateBulk":
        return this.bulk(command.count, (tell) => this.allocateBulk(tell, command.count));
      case "free":
        return command.ids.flatMap((id) => this.freeIfLive(id));
      case "freeBulk":
        return this.bulk(0, (tell) => this.freeBulk(tell, command.ids));
      case "shrink":
        return this.operation((tell) => tell(["K", `ret=${this.kernel.kmemCacheShrink(this.s)}`]));
      case "destroy":
        return this.destroy();
      case "cpu":
        if (command.cpu >= systemOf(this.kernel).machine.options.cpus) {
          throw new ScriptError(`${quoted(text)}: this machine has no such CPU`);
        }
        this.cpu = command.cpu;
        return [];
      case "ratio":
        this.view.setRemoteNodeDefragRatio(this.s, command.ratio);
        return [];
      case "quiet":
        this.quiet = command.quiet;
        return [];
      case "show":
        return [];
      default:
        throw new ScriptError(`${quoted(text)}: this kernel has no sheaves`);
    }
  }

  protected create(command: Command & { kind: "create" }, text: string): Event[] {
    if (this.s !== 0) throw new ScriptError(`${quoted(text)}: a script has one cache at a time`);
    const { name, size, align, flags, args } = command;
    const ctor = command.ctor ? this.ctor : 0;
    this.s = this.kernel.kmemCacheCreate(name, size, { align, flags, ctor, ...args });
    if (this.s === 0)
      throw new ScriptError(`${quoted(text)}: the kernel refuses to create this cache`);
    // The default leaves a few searches of other nodes to the cycle counter.
    if (systemOf(this.kernel).machine.options.cpus > 1)
      this.view.setRemoteNodeDefragRatio(this.s, ALWAYS);
    if (Object.keys(this.cache).length === 0) this.cache = this.view.describe(this.s);
    return [];
  }

  /** Frees the objects that are left, which is not reported, and then the cache. */
  protected destroy(): Event[] {
    for (const id of this.objects.keys()) {
      if (this.isLive(id)) this.operation((tell) => this.free(tell, id));
    }
    if (this.kernel.kmemCacheDestroy(this.s) !== 0) {
      throw new ScriptError("D: objects remain in the cache");
    }
    this.s = 0;
    this.slabs.clear();
    return [];
  }

  /**
   * One operation on the script's CPU. Its last event tells the state; behind it come the slabs whose
   * pages were given back, by their numbers.
   */
  protected operation(act: (tell: (event: Event) => void) => void): Event[] {
    const events: Event[] = [];
    this.kernel.run(() => {
      act((event) => events.push(event));
      if (this.waitsForReaders) systemOf(this.kernel).machine.rcu.barrier();
    }, this.cpu);
    const last = events.pop();
    if (last !== undefined) events.push(this.quiet ? last : this.withState(last));
    return [...events, ...this.goneSlabs()];
  }

  protected withState(event: Event): Event {
    const state = this.view.state(this.s, this.numbers);
    return event[0] === "K" ? ["K", `${event[1]} ${state}`] : [...event, state];
  }

  protected get waitsForReaders(): boolean {
    const flags = systemOf(this.kernel).memory.read32(this.s + KmemCacheBase.flags);
    return (flags & SLAB_TYPESAFE_BY_RCU) !== 0;
  }

  protected allocate(tell: (event: Event) => void, node: number): void {
    this.handOut(tell, this.kernel.kmemCacheAllocNode(this.s, GFP_KERNEL, node));
  }

  /** Numbers an object, and its slab where it is the first of it. */
  protected handOut(tell: (event: Event) => void, object: Address): void {
    if (object === 0) throw new NoMemory();
    const page = systemOf(this.kernel).pages.virtToHeadPage(object);
    const id = this.objects.push(object) - 1;
    if (!this.slabs.has(page)) {
      this.slabs.set(page, this.nextSlab++);
      tell(["N", this.slabs.get(page), this.view.describeSlab(this.s, page)]);
    }
    tell(["A", id, this.numbers(page), this.view.indexOf(this.s, page, object)]);
  }

  protected freeIfLive(id: number): Event[] {
    return this.isLive(id) ? this.operation((tell) => this.free(tell, id)) : [];
  }

  protected free(tell: (event: Event) => void, id: number): void {
    const object = this.takeBack(tell, id);
    this.kernel.kmemCacheFree(this.s, object);
  }

  protected takeBack(tell: (event: Event) => void, id: number): Address {
    const object = this.objects[id] as Address;
    const page = systemOf(this.kernel).pages.virtToHeadPage(object);
    tell(["F", id, this.numbers(page), this.view.indexOf(this.s, page, object)]);
    this.objects[id] = 0;
    return object;
  }

  protected isLive(id: number): boolean {
    return (this.objects[id] ?? 0) !== 0;
  }

  /** A kernel without bulk calls only uses the numbers up. */
  private bulk(numbers: number, act: (tell: (event: Event) => void) => void): Event[] {
    if (this.view.hasBulk) return this.operation(act);
    for (let i = 0; i < numbers; i++) this.objects.push(0);
    return [["!", "!nobulk"]];
  }

  protected allocateBulk(tell: (event: Event) => void, count: number): void {
    const p: Address[] = [];
    if (this.kernel.kmemCacheAllocBulk(this.s, count, p) < count) throw new NoMemory();
    for (const object of p) this.handOut(tell, object);
  }

  protected freeBulk(tell: (event: Event) => void, ids: readonly number[]): void {
    const p = ids.filter((id) => this.isLive(id)).map((id) => this.takeBack(tell, id));
    if (p.length > 0) this.kernel.kmemCacheFreeBulk(this.s, p.length, p);
  }

  protected readonly numbers = (page: PagePtr): number => this.slabs.get(page) ?? -1;

  /** Forgets the slabs whose pages no longer belong to the cache. */
  protected goneSlabs(): Event[] {
    const { memory } = systemOf(this.kernel);
    const events: Event[] = [];
    for (const [page, number] of this.slabs) {
      const isSlab = (memory.read32(page + Page.flags) & PG_SLAB) !== 0;
      if (isSlab && memory.read32(page + Page.slabCache) === this.s) continue;
      this.slabs.delete(page);
      events.push(["X", number]);
    }
    return events;
  }
}

/** The machine's memory does not suffice for the script. */
export class NoMemory extends ScriptError {
  constructor() {
    super("no memory is left on this machine");
  }
}

export function times(count: number, act: () => Event[]): Event[] {
  const events: Event[] = [];
  for (let i = 0; i < count; i++) events.push(...act());
  return events;
}
