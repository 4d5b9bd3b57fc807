/**
 * Random sequences of all public calls, with good and bad arguments, against a model of the live
 * objects. A call does what it says or is refused by a documented error; whatever it is given, nothing
 * that is in use changes, and a clean audit stands at the end.
 */
import { since } from "../../src/caches/kernel-version.ts";
import { audit } from "../../src/check/audit.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import {
  __GFP_ZERO,
  attach,
  boot,
  GFP_ATOMIC,
  GFP_KERNEL,
  GFP_NOWAIT,
  KernelBug,
  MIB,
  SLAB_HWCACHE_ALIGN,
  SLAB_TYPESAFE_BY_RCU,
} from "../../src/kernel/index.ts";
import { type Kernel, systemOf, threadOf } from "../../src/kernel/kernel.ts";
import type { Address } from "../../src/machine/memory.ts";
import { xorshift32 } from "../../src/machine/xorshift.ts";

interface Held {
  /** 0: kmalloc's. */
  readonly cache: number;
  /** What its first bytes were filled with, and how many. */
  readonly fill: number;
  readonly bytes: number;
}

interface Cache {
  users: number;
  readonly ctor: boolean;
  /** One of the kernel's, which users may share and nobody destroys. */
  readonly own: boolean;
}

/** Whoever throws it is at fault, not the fuzz. */
export class FuzzFailure extends Error {}

const CTOR_ERROR = "a constructor's own error";

export class Fuzz {
  readonly kernels: readonly Kernel[];
  private state: number;
  private readonly own: ReadonlySet<number>;
  private readonly held = new Map<Address, Held>();
  private readonly caches = new Map<number, Cache>();
  private readonly destroyed: number[] = [];
  private readonly ctors: number[] = [];
  private readonly sheaves = new Map<Address, number>();
  private readonly log: string[] = [];

  constructor(seed: number, options: BootOptions) {
    this.state = Math.imul(seed, 0x9e3779b1) | 1;
    const kernel = boot({ cpus: 2, nodes: 2, memory: 8 * MIB, seed, ...options });
    this.kernels = [kernel, attach(kernel.shared)];
    this.own = new Set(systemOf(kernel).common.caches());
  }

  private below(n: number): number {
    this.state = xorshift32(this.state);
    return (this.state >>> 0) % n;
  }

  private pick<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T;
  }

  run(calls: number): void {
    for (let i = 0; i < calls; ) {
      const kernel = this.pick(this.kernels);
      if (this.below(3) === 0) {
        const inside = 1 + this.below(20);
        kernel.run(() => {
          for (let j = 0; j < inside; j++) this.call(kernel, true);
        });
        i += inside;
      } else {
        this.call(kernel, false);
        i++;
      }
    }
    this.end();
  }

  /** One call, good or bad. */
  private call(kernel: Kernel, inside: boolean): void {
    const call = this.pick(CALLS);
    const bad = this.below(3) === 0;
    const junk = bad ? this.below(call.arguments.length + 1) : -1;
    const args = call.arguments.map((kind, i) => (i === junk ? this.junk(kind) : this.good(kind)));
    if (call.inside === true && !inside) return;
    if (call.inside === false && inside) return;
    this.log.push(`${call.name}(${args.map(shown).join(", ")})${inside ? " inside" : ""}`);
    if (this.log.length > 40) this.log.shift();
    try {
      call.run(this, kernel, args);
    } catch (error) {
      if (error instanceof FuzzFailure || !isDocumented(error, args)) this.fail(`${error}`, error);
    }
    const system = systemOf(kernel);
    if (system.memory.loadAcquire(system.machine.layout.panic) !== 0)
      this.fail("the machine stopped");
    if (system.memory.irqsDisabled()) this.fail("interrupts are off");
    if (threadOf(kernel).onCpu !== inside) this.fail("the CPU was left, or not");
  }

  private fail(what: string, cause?: unknown): never {
    throw new FuzzFailure(`${what}\n${this.log.join("\n")}`, { cause });
  }

  // ---- arguments ----

  private good(kind: Kind): unknown {
    switch (kind) {
      case "size":
        return this.below(8) === 0 ? this.below(6 * MIB) : this.below(9000);
      case "gfp":
        return this.pick([undefined, GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT]);
      case "node":
        return this.below(4) - 1;
      case "cache":
        return this.below(this.caches.size + 1) === 0 ? 0 : this.pick([...this.caches.keys()]);
      case "object":
        return this.below(10) === 0 ? 0 : (this.pick([...this.held.keys()]) ?? 0);
      case "number":
        return this.below(40);
      case "cpu":
        return this.below(3);
    }
  }

  /** As in a kernel, a wrong address within a slab is no mistake that is seen. */
  private junk(kind: Kind): unknown {
    if (kind !== "object" && this.below(4) === 0) {
      const cache = this.pick([...this.caches.keys()]) ?? 64;
      return this.pick([cache, cache + 1, ...this.destroyed.slice(-3)]);
    }
    const object = this.pick([...this.held.keys()]) ?? 64;
    const cache = this.pick([...this.caches.keys()]) ?? 64;
    return this.pick<unknown>([
      undefined,
      null,
      Number.NaN,
      0.5,
      -1,
      -(2 ** 31),
      2 ** 31,
      2 ** 40,
      Number.POSITIVE_INFINITY,
      "",
      "64",
      "name",
      {},
      [],
      true,
      () => 1,
      String(object),
      String(cache),
      object + 2 ** 32,
      cache + 2 ** 32,
      cache + 0.5,
      object + 0.5,
      4096,
      128,
      systemOf(this.kernels[0] as Kernel).machine.layout.end + 4096,
      1n,
      Symbol("junk"),
    ]);
  }

  // ---- the model ----

  /** An object has come, and nobody else has it. */
  took(kernel: Kernel, object: Address, cache: number, bytes: number, zero = false): void {
    if (object === 0 || object === 16) return;
    if (!Number.isInteger(object) || object < 0) this.fail(`${object} came as an object`);
    if (this.held.has(object)) this.fail(`${object} was handed out twice`);
    const view = threadOf(kernel).view8(object, Math.min(bytes, 256));
    if (zero && view.some((byte) => byte !== 0)) this.fail(`${object} is not zeroed`);
    const fill = 1 + this.below(255);
    view.fill(fill);
    this.held.set(object, { cache, fill, bytes: view.length });
  }

  /** The object is as it was left. */
  check(kernel: Kernel, object: Address): Held | undefined {
    const held = this.held.get(object);
    if (held === undefined) return undefined;
    const view = threadOf(kernel).view8(object, held.bytes);
    if (view.some((byte) => byte !== held.fill)) this.fail(`${object} was overwritten`);
    return held;
  }

  gone(object: Address): void {
    this.held.delete(object);
  }

  holds(object: unknown): object is Address {
    return typeof object === "number" && this.held.has(object);
  }

  isOf(object: Address, cache: unknown): boolean {
    return this.held.get(object)?.cache === cache;
  }

  isCache(cache: unknown): cache is number {
    return typeof cache === "number" && this.caches.has(cache);
  }

  objectSize(kernel: Kernel, cache: number): number {
    return kernel.kmemCacheSize(cache);
  }

  hasCtor(cache: number): boolean {
    return this.caches.get(cache)?.ctor === true;
  }

  created(s: number, ctor: boolean): void {
    const known = this.caches.get(s);
    if (known !== undefined) known.users++;
    else if (s !== 0) this.caches.set(s, { users: 1, ctor, own: this.own.has(s) });
  }

  /** A cache has lost a user. */
  dropped(s: number): void {
    const known = this.caches.get(s);
    if (known === undefined || --known.users > 0 || known.own) return;
    this.caches.delete(s);
    this.destroyed.push(s);
  }

  usersOf(s: number): number {
    return this.caches.get(s)?.users ?? 0;
  }

  /** Whether a user's `kmem_cache_destroy` is the end of the cache. */
  isLastUse(s: unknown): s is number {
    return this.isCache(s) && this.usersOf(s) === 1 && this.caches.get(s)?.own === false;
  }

  isEmpty(s: number): boolean {
    return (
      ![...this.held.values()].some(({ cache }) => cache === s) &&
      ![...this.sheaves.values()].includes(s)
    );
  }

  /** A sheaf of the program's, for objects of `s`. */
  prefilled(sheaf: Address, s: number): void {
    if (sheaf === 0) return;
    if (!this.isCache(s)) this.fail(`sheaf ${sheaf} came from no cache`);
    if (this.sheaves.has(sheaf)) this.fail(`sheaf ${sheaf} was handed out twice`);
    this.sheaves.set(sheaf, s);
  }

  /** A sheaf and its cache, or what is none. */
  someSheaf(): readonly [sheaf: unknown, s: number] {
    const [known] = [...this.sheaves];
    return known !== undefined && this.below(5) > 0 ? known : [this.junk("object"), 0];
  }

  isSheafOf(sheaf: unknown, s: unknown): boolean {
    return this.sheaves.get(sheaf as Address) === s;
  }

  returned(sheaf: Address): void {
    this.sheaves.delete(sheaf);
  }

  newCtor(): number {
    const kind = this.below(4);
    const construct = (kernel: Kernel) => (object: Address) => {
      if (kind === 1) throw new Error(CTOR_ERROR);
      if (kind === 2) kernel.kmalloc(64);
      kernel.view8(object, 8).fill(7);
    };
    const [one, other] = this.kernels as [Kernel, Kernel];
    const number = one.registerConstructor(construct(one));
    // Kind 3: forgotten on the other thread.
    other.registerConstructor(
      kind === 3
        ? () => {
            throw new Error(CTOR_ERROR);
          }
        : construct(other),
    );
    this.ctors.push(number);
    return number;
  }

  someCtor(): number {
    if (this.ctors.length < 6 && this.below(4) === 0) return this.newCtor();
    return this.below(4) === 0 ? (this.pick(this.ctors) ?? 0) : 0;
  }

  someHeld(most: number): Address[] {
    return [...this.held.keys()].slice(0, this.below(most + 1));
  }

  random(n: number): number {
    return this.below(n);
  }

  // ---- the end ----

  private end(): void {
    const [kernel] = this.kernels as [Kernel];
    for (const cpu of [0, 1]) kernel.cpuUp(cpu);
    for (const node of [0, 1]) kernel.nodeOnline(node);
    for (const object of [...this.held.keys()]) {
      this.check(kernel, object);
      kernel.kfree(object);
      this.gone(object);
    }
    for (const [sheaf, s] of this.sheaves) kernel.returnSheaf(s, sheaf);
    kernel.rcuBarrier();
    for (const s of [...this.caches.keys()]) {
      while (this.usersOf(s) > 0) {
        const error = kernel.kmemCacheDestroy(s);
        if (error !== 0) this.fail(`destroying ${s} gives ${error}`);
        this.dropped(s);
      }
    }
    kernel.rcuBarrier();
    const findings = kernel.run(() => audit(systemOf(kernel)));
    if (findings.length > 0) this.fail(findings.map(({ message }) => message).join("\n"));
  }
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return Array.isArray(value) ? `[${value.map(shown)}]` : String(value);
}

/** A BigInt or a symbol is refused by JavaScript itself, where it is first used as a number. */
function isDocumented(error: unknown, args: readonly unknown[]): boolean {
  if (error instanceof KernelBug || error instanceof RangeError) return true;
  if (error instanceof Error && error.message === CTOR_ERROR) return true;
  const isOdd = args.some((arg) => typeof arg === "bigint" || typeof arg === "symbol");
  return error instanceof TypeError && isOdd;
}

type Kind = "size" | "gfp" | "node" | "cache" | "object" | "number" | "cpu";

interface Call {
  readonly name: string;
  readonly arguments: readonly Kind[];
  /** Only inside of a section, or only outside. */
  readonly inside?: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: arguments are anything
  readonly run: (fuzz: Fuzz, kernel: any, args: any[]) => void;
}

function free(fuzz: Fuzz, kernel: Kernel, object: unknown, call: () => void): void {
  if (fuzz.holds(object)) fuzz.check(kernel, object);
  call();
  if (fuzz.holds(object)) fuzz.gone(object);
}

const CALLS: readonly Call[] = [
  {
    name: "kmalloc",
    arguments: ["size", "gfp"],
    run: (fuzz, kernel, [size, gfp]) =>
      fuzz.took(kernel, kernel.kmalloc(size, gfp), 0, Number(size)),
  },
  {
    name: "kzalloc",
    arguments: ["size", "gfp"],
    run: (fuzz, kernel, [size, gfp]) =>
      fuzz.took(kernel, kernel.kzalloc(size, gfp), 0, Number(size), true),
  },
  {
    name: "kmallocNode",
    arguments: ["size", "gfp", "node"],
    run: (fuzz, kernel, [size, gfp, node]) =>
      fuzz.took(kernel, kernel.kmallocNode(size, gfp, node), 0, Number(size)),
  },
  {
    name: "kmallocAligned",
    arguments: ["size", "number", "gfp"],
    run: (fuzz, kernel, [size, order, gfp]) => {
      const align = typeof order === "number" ? 2 ** (order % 25) : order;
      const object = kernel.kmallocAligned(size, align, gfp);
      if (object % align !== 0) throw new FuzzFailure(`${object} is not aligned to ${align}`);
      fuzz.took(kernel, object, 0, Number(size));
    },
  },
  {
    name: "kfree",
    arguments: ["object"],
    run: (fuzz, kernel, [object]) => free(fuzz, kernel, object, () => kernel.kfree(object)),
  },
  {
    name: "kfreeRcu",
    arguments: ["object"],
    run: (fuzz, kernel, [object]) => free(fuzz, kernel, object, () => kernel.kfreeRcu(object)),
  },
  {
    name: "ksize",
    arguments: ["object"],
    run: (_, kernel, [object]) => kernel.ksize(object),
  },
  {
    name: "krealloc",
    arguments: ["object", "size", "gfp"],
    run: (fuzz, kernel, [object, size, gfp]) => {
      const held = fuzz.holds(object) ? fuzz.check(kernel, object) : undefined;
      const grown = kernel.krealloc(object, size, gfp);
      if (held === undefined) {
        fuzz.took(kernel, grown, 0, Number(size));
        return;
      }
      if (grown === 0) return;
      if (grown === object) {
        fuzz.gone(object);
        fuzz.took(kernel, object, held.cache, Math.min(Number(size), held.bytes));
        return;
      }
      fuzz.gone(object);
      if (grown === 16) return;
      const kept = threadOf(kernel).view8(grown, Math.min(held.bytes, Number(size)));
      if (kept.some((byte: number) => byte !== held.fill))
        throw new FuzzFailure("krealloc lost bytes");
      fuzz.took(kernel, grown, 0, Number(size));
    },
  },
  {
    name: "kmemCacheCreate",
    arguments: ["size", "number"],
    run: (fuzz, kernel, [size, flags]) => {
      const ctor = fuzz.someCtor();
      const options = {
        ctor,
        flags:
          typeof flags === "number"
            ? [0, SLAB_HWCACHE_ALIGN, SLAB_TYPESAFE_BY_RCU][flags % 3]
            : flags,
      };
      const small = typeof size === "number" ? size % 4000 : size;
      const s = kernel.kmemCacheCreate(`c${fuzz.random(1000)}`, small, options);
      fuzz.created(s, ctor !== 0);
    },
  },
  {
    name: "kmemCacheCreate, another option",
    arguments: ["number"],
    run: (fuzz, kernel, [value]) => {
      const name = [
        "align",
        "ctor",
        "useroffset",
        "usersize",
        "colour",
        "freeptrOffset",
        "sheafCapacity",
      ][fuzz.random(7)] as string;
      const s = kernel.kmemCacheCreate("other", 200, { [name]: value });
      fuzz.created(s, name === "ctor" && value !== 0);
    },
  },
  {
    name: "kmemCacheAlloc",
    arguments: ["cache", "gfp"],
    run: (fuzz, kernel, [s, gfp]) => take(fuzz, kernel, s, () => kernel.kmemCacheAlloc(s, gfp)),
  },
  {
    name: "kmemCacheZalloc",
    arguments: ["cache", "gfp"],
    run: (fuzz, kernel, [s, gfp]) =>
      // A constructed object is not to be zeroed.
      fuzz.hasCtor(s) || take(fuzz, kernel, s, () => kernel.kmemCacheZalloc(s, gfp)),
  },
  {
    name: "kmemCacheAllocNode",
    arguments: ["cache", "gfp", "node"],
    run: (fuzz, kernel, [s, gfp, node]) =>
      take(fuzz, kernel, s, () => kernel.kmemCacheAllocNode(s, gfp, node)),
  },
  {
    name: "kmallocTrace",
    arguments: ["cache", "number", "gfp", "node"],
    run: (fuzz, kernel, [s, size, gfp, node]) =>
      take(fuzz, kernel, s, () => kernel.kmallocTrace(s, size, gfp, node)),
  },
  {
    name: "kmemCacheFree",
    arguments: ["cache", "object"],
    run: (fuzz, kernel, [s, object]) => {
      const leaks = since(systemOf(kernel).common.kernel, "7.0");
      // Where the kernel notices that the object is of another cache it leaves it there.
      if (leaks && fuzz.holds(object) && !fuzz.isOf(object, s)) kernel.kmemCacheFree(s, object);
      else free(fuzz, kernel, object, () => kernel.kmemCacheFree(s, object));
    },
  },
  {
    name: "kmemCacheAllocBulk",
    arguments: ["cache", "number", "gfp"],
    run: (fuzz, kernel, [s, size, gfp]) => {
      const p: Address[] = [];
      const got = kernel.kmemCacheAllocBulk(s, size, p, gfp);
      if (got !== 0 && !fuzz.isCache(s)) throw new FuzzFailure(`${got} objects of no cache`);
      for (let i = 0; i < got; i++)
        fuzz.took(kernel, p[i] as Address, s, fuzz.objectSize(kernel, s));
    },
  },
  {
    name: "kmemCacheAllocBulk into what is no array",
    arguments: ["cache", "object"],
    run: (_, kernel, [s, p]) => Array.isArray(p) || kernel.kmemCacheAllocBulk(s, 4, p),
  },
  {
    name: "kmemCacheFreeBulk",
    arguments: ["cache", "object"],
    run: (fuzz, kernel, [s, odd]) => {
      const p = fuzz.someHeld(30).filter((object) => s === 0 || fuzz.isOf(object, s));
      const all: unknown[] = fuzz.holds(odd) ? [...p] : [...p, odd];
      for (const object of p) fuzz.check(kernel, object);
      const freed = [...p];
      kernel.kmemCacheFreeBulk(s, all.length, all);
      for (const object of freed) fuzz.gone(object);
    },
  },
  {
    name: "kmemCacheFreeBulk of another length",
    arguments: ["number"],
    run: (_, kernel, [size]) => kernel.kmemCacheFreeBulk(0, size, []),
  },
  {
    name: "kmemCachePrefillSheaf",
    arguments: ["cache", "number", "gfp"],
    run: (fuzz, kernel, [s, size, gfp]) =>
      fuzz.prefilled(kernel.kmemCachePrefillSheaf(s, size, gfp), s),
  },
  {
    name: "allocFromSheaf",
    arguments: ["cache", "gfp"],
    run: (fuzz, kernel, [other, gfp]) => {
      const [sheaf, s] = fuzz.someSheaf();
      const of = fuzz.random(4) === 0 ? other : s;
      const object = kernel.allocFromSheaf(of, sheaf as Address, gfp);
      if (object !== 0 && !fuzz.isSheafOf(sheaf, of)) throw new FuzzFailure("of no sheaf");
      if (object !== 0) fuzz.took(kernel, object, of, fuzz.objectSize(kernel, of));
    },
  },
  {
    name: "refillSheaf",
    arguments: ["cache", "number", "gfp"],
    run: (fuzz, kernel, [other, size, gfp]) => {
      const [sheaf, s] = fuzz.someSheaf();
      const of = fuzz.random(4) === 0 ? other : s;
      const full = kernel.refillSheaf(of, sheaf as Address, size, gfp);
      if (full === 0) return;
      if (!fuzz.isSheafOf(sheaf, of)) throw new FuzzFailure("of no sheaf");
      fuzz.returned(sheaf as Address);
      fuzz.prefilled(full, of);
    },
  },
  {
    name: "returnSheaf",
    arguments: ["cache", "gfp"],
    run: (fuzz, kernel, [other, gfp]) => {
      const [sheaf, s] = fuzz.someSheaf();
      const of = fuzz.random(4) === 0 ? other : s;
      kernel.returnSheaf(of, sheaf as Address, gfp);
      if (!fuzz.isSheafOf(sheaf, of)) throw new FuzzFailure("no sheaf was taken back");
      fuzz.returned(sheaf as Address);
    },
  },
  {
    name: "kmallocNolock",
    arguments: ["size", "number", "node"],
    run: (fuzz, kernel, [size, flag, node]) => {
      const gfp = typeof flag === "number" && flag < 40 ? [0, __GFP_ZERO][flag % 2] : flag;
      fuzz.took(kernel, kernel.kmallocNolock(size, gfp, node), 0, Number(size), gfp === __GFP_ZERO);
    },
  },
  {
    name: "kfreeNolock",
    arguments: ["object"],
    run: (fuzz, kernel, [object]) => free(fuzz, kernel, object, () => kernel.kfreeNolock(object)),
  },
  {
    name: "kmemCacheShrink",
    arguments: ["cache"],
    run: (_, kernel, [s]) => kernel.kmemCacheShrink(s),
  },
  {
    name: "kmemCacheDestroy",
    arguments: ["cache"],
    run: (fuzz, kernel, [s]) => {
      const isLast = fuzz.isLastUse(s);
      const error = kernel.kmemCacheDestroy(s);
      if (isLast && (error === 0) !== fuzz.isEmpty(s))
        throw new FuzzFailure(`destroy gives ${error}`);
      if (error === 0 && fuzz.isCache(s)) fuzz.dropped(s);
    },
  },
  { name: "kmemCacheSize", arguments: ["cache"], run: (_, kernel, [s]) => kernel.kmemCacheSize(s) },
  { name: "cpuDown", arguments: ["cpu"], run: (_, kernel, [cpu]) => kernel.cpuDown(cpu) },
  { name: "cpuUp", arguments: ["cpu"], run: (_, kernel, [cpu]) => kernel.cpuUp(cpu) },
  { name: "nodeOffline", arguments: ["cpu"], run: (_, kernel, [nid]) => kernel.nodeOffline(nid) },
  { name: "nodeOnline", arguments: ["cpu"], run: (_, kernel, [nid]) => kernel.nodeOnline(nid) },
  { name: "onlineCpus", arguments: [], run: (_, kernel) => kernel.onlineCpus() },
  { name: "grow", arguments: [], run: (_, kernel) => kernel.grow() },
  {
    // Most forms have no groups, and say so.
    name: "group",
    arguments: ["size"],
    run: (fuzz, kernel, [limit]) => {
      const group = kernel.group(limit);
      const object = kernel.runIn(group, () => kernel.kmalloc(64));
      fuzz.took(kernel, object, 0, 64);
      kernel.groupAt(group.at).kill();
    },
  },
  { name: "groupAt", arguments: ["number"], run: (_, kernel, [at]) => kernel.groupAt(at) },
  {
    name: "runIn",
    arguments: ["object"],
    run: (_, kernel, [group]) => kernel.runIn(group, () => 1),
  },
  { name: "usage", arguments: [], run: (_, kernel) => kernel.usage() },
  { name: "leaks", arguments: [], run: (_, kernel) => kernel.leaks() },
  {
    // The kernel is the fuzz's own, or its other one, or there was never such a task.
    name: "bury",
    arguments: ["number"],
    run: (_, kernel, [task]) => kernel.bury(task),
  },
  { name: "detach", arguments: [], inside: true, run: (_, kernel) => kernel.detach() },
  { name: "synchronizeRcu", arguments: [], run: (_, kernel) => kernel.synchronizeRcu() },
  { name: "rcuBarrier", arguments: [], run: (_, kernel) => kernel.rcuBarrier() },
  {
    name: "a read-side section",
    arguments: [],
    inside: true,
    run: (_, kernel) => {
      kernel.rcuReadLock();
      kernel.rcuReadUnlock();
    },
  },
  { name: "rcuReadUnlock", arguments: [], run: (_, kernel) => kernel.rcuReadUnlock() },
  { name: "rcuReadLock", arguments: [], inside: false, run: (_, kernel) => kernel.rcuReadLock() },
  {
    name: "views",
    arguments: ["object", "size"],
    run: (_, kernel, [object, length]) => {
      kernel.view8(object, length);
      kernel.view32(object, length);
      kernel.viewFloat64(object, length);
      kernel.view(DataView, object, length);
    },
  },
  {
    name: "view",
    arguments: ["object"],
    run: (fuzz, kernel, [of]) => kernel.view(of, fuzz.someHeld(1)[0] ?? 0),
  },
  {
    name: "kstrdup",
    arguments: ["size", "gfp"],
    run: (_, kernel, [length, gfp]) => {
      const text = typeof length === "number" && length >= 0 ? "ö".repeat(length % 300) : length;
      const copy = kernel.kstrdup(text, gfp);
      if (copy === 0) return;
      if (kernel.readString(copy) !== text) throw new FuzzFailure("kstrdup lost text");
      kernel.kfree(copy);
    },
  },
  { name: "readString", arguments: ["object"], run: (_, kernel, [at]) => kernel.readString(at) },
  {
    name: "run",
    arguments: ["object", "cpu"],
    run: (_, kernel, [section, cpu]) => kernel.run(section, cpu),
  },
  {
    name: "run on a CPU",
    arguments: ["cpu"],
    inside: false,
    run: (_, kernel, [cpu]) => kernel.run(() => 1, cpu, 0),
  },
  {
    name: "registerConstructor",
    arguments: ["object"],
    run: (_, kernel, [ctor]) => typeof ctor === "function" || kernel.registerConstructor(ctor),
  },
  {
    name: "debug.validate",
    arguments: ["cache"],
    run: (_, kernel, [s]) => kernel.debug.validate(s),
  },
  {
    name: "debug.liveObjects",
    arguments: ["cache"],
    run: (_, kernel, [s]) => kernel.debug.liveObjects(s),
  },
  {
    name: "debug.onReport",
    arguments: ["object"],
    run: (_, kernel, [sink]) => kernel.debug.onReport(sink),
  },
  {
    name: "debug.onConsole",
    arguments: ["object"],
    run: (_, kernel, [sink]) => kernel.debug.onConsole(sink),
  },
  {
    name: "failures on purpose",
    arguments: ["number"],
    run: (_, kernel, [interval]) => kernel.debug.failSlab?.arm({ probability: 0.2, interval }),
  },
];

function take(fuzz: Fuzz, kernel: Kernel, s: unknown, call: () => Address): void {
  const object = call();
  if (object === 0) return;
  if (!fuzz.isCache(s)) throw new FuzzFailure(`${object} came from no cache`);
  fuzz.took(kernel, object, s, fuzz.objectSize(kernel, s));
}
