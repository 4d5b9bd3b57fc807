/**
 * Values that throw when they are looked at: each call refuses them in words of its own, never in the
 * engine's, and has changed nothing.
 */
import { describe, expect, test } from "vitest";
import { audit } from "../../src/check/audit.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { attach, boot, KernelBug, MIB } from "../../src/kernel/index.ts";
import { type Kernel, systemOf } from "../../src/kernel/kernel.ts";

// biome-ignore lint/suspicious/noExplicitAny: arguments are anything
type Anything = any;

function revoked(of: object): object {
  const { proxy, revoke } = Proxy.revocable(of, {});
  revoke();
  return proxy;
}

const thrown = (): never => {
  throw new Error("looked at");
};

const VALUES: readonly (readonly [string, Anything])[] = [
  ["a bigint", 64n],
  ["a symbol", Symbol("size")],
  ["an object that throws as a number", { valueOf: thrown, toString: thrown }],
  ["an object that throws as any primitive", { [Symbol.toPrimitive]: thrown }],
  ["an object without a prototype", Object.create(null)],
  ["a revoked list", revoked([])],
  ["a revoked function", revoked(() => 1)],
  ["a function", () => 64],
  ["text", "64"],
];

type Calls = Record<string, (none: Anything) => unknown>;

function callsOf(kernel: Kernel): Calls {
  const s = kernel.kmemCacheCreate("strange", 64);
  const object = kernel.kmemCacheAlloc(s);
  return {
    kmalloc: (none) => kernel.kmalloc(none),
    "kmalloc, gfp": (none) => kernel.kmalloc(64, none),
    kzalloc: (none) => kernel.kzalloc(none),
    "kzalloc, gfp": (none) => kernel.kzalloc(64, none),
    kmallocNode: (none) => kernel.kmallocNode(64, 0xd0, none),
    kmallocAligned: (none) => kernel.kmallocAligned(64, none),
    krealloc: (none) => kernel.krealloc(none, 64),
    "krealloc, size": (none) => kernel.krealloc(object, none),
    kfree: (none) => kernel.kfree(none),
    kfreeRcu: (none) => kernel.kfreeRcu(none),
    kfreeNolock: (none) => kernel.kfreeNolock(none),
    kmallocNolock: (none) => kernel.kmallocNolock(none),
    "kmemCacheZalloc, gfp": (none) => kernel.kmemCacheZalloc(s, none),
    kmemCacheAllocNode: (none) => kernel.kmemCacheAllocNode(none, 0xd0, 0),
    kmemCacheFree: (none) => kernel.kmemCacheFree(none, object),
    kmemCacheAllocBulk: (none) => kernel.kmemCacheAllocBulk(s, none, []),
    kmemCacheFreeBulk: (none) => kernel.kmemCacheFreeBulk(s, 1, none),
    "kmemCacheFreeBulk, object": (none) => kernel.kmemCacheFreeBulk(s, 1, [none]),
    kmemCachePrefillSheaf: (none) => kernel.kmemCachePrefillSheaf(s, none),
    allocFromSheaf: (none) => kernel.allocFromSheaf(s, none),
    kmemCacheCreate: (none) => kernel.kmemCacheCreate("none", none),
    "kmemCacheCreate, align": (none) => kernel.kmemCacheCreate("none", 64, { align: none }),
    kmemCacheDestroy: (none) => kernel.kmemCacheDestroy(none),
    ksize: (none) => kernel.ksize(none),
    view: (none) => kernel.view(Uint8Array, none),
    view8: (none) => kernel.view8(object, none),
    readString: (none) => kernel.readString(none),
    "kstrdup, gfp": (none) => kernel.kstrdup("text", none),
    "run, cpu": (none) => kernel.run(() => 1, none),
    "run, patience": (none) => kernel.run(() => 1, 0, none),
    bury: (none) => kernel.bury(none),
    validate: (none) => kernel.debug.validate(none),
  };
}

function callsOfExtras(kernel: Kernel): Calls {
  const { policies, reserves, debug } = kernel;
  const group = kernel.group();
  return {
    group: (none) => kernel.group(none),
    groupAt: (none) => kernel.groupAt(none),
    setLimit: (none) => group.setLimit(none),
    runIn: (none) => kernel.runIn(none, () => 1),
    setPolicy: (none) => policies?.setPolicy(none),
    "setPolicy, nodes": (none) => policies?.setPolicy("bind", none),
    "setPolicy, a node": (none) => policies?.setPolicy("bind", [none]),
    setWeight: (none) => policies?.setWeight(0, none),
    setMems: (none) => policies?.setMems(none),
    "setMems, task": (none) => policies?.setMems([0], none),
    registerShrinker: (none) => reserves?.registerShrinker(none),
    noreclaimRestore: (none) => reserves?.noreclaimRestore(none),
    minFreeKbytes: (none) => {
      if (reserves !== undefined) reserves.minFreeKbytes = none;
    },
    notLeak: (none) => debug.kmemleak?.notLeak(none),
    root: (none) => debug.kmemleak?.root(none, 4),
    "root, bytes": (none) => debug.kmemleak?.root(64, none),
    "boot, memory": (none) => boot({ memory: none }),
    "boot, buffer": (none) => boot({ memory: { buffer: none } }),
    attach: (none) => attach(none),
  };
}

/**
 * Not kmemCacheAlloc, nor kmemCacheFree of what is no number: a look more, and V8 inlines neither into a
 * program's loop, which takes twice as long. They throw the engine's errors, before anything is changed.
 */
function expectNothingChanged(kernel: Kernel, none: Anything): void {
  const s = kernel.kmemCacheCreate("unlooked", 64);
  for (const call of [
    () => kernel.kmemCacheAlloc(none),
    () => kernel.kmemCacheFree(s, none),
    () => kernel.run(() => kernel.kmemCacheFree(s, none)),
  ]) {
    expect(call).toThrow();
  }
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
  kernel.kfree(kernel.kmalloc(64));
}

/** A refusal in our own words. */
function isOurs(error: unknown): boolean {
  const isKnown = error instanceof KernelBug || error instanceof RangeError;
  return isKnown && !/convert|BigInt|proxy that|looked at/.test(error.message);
}

function expectRefusals(kernel: Kernel, calls: Calls, none: Anything): void {
  const refused = (call: (none: Anything) => unknown): unknown => {
    try {
      return `accepted: ${String(call(none))}`;
    } catch (error) {
      return isOurs(error) ? "refused" : error;
    }
  };
  const all = Object.keys(calls).map((name) => [name, "refused"]);
  const outside = Object.entries(calls).map(([name, call]) => [name, refused(call)]);
  expect(outside).toEqual(all);
  kernel.run(() => {
    const inside = Object.entries(calls).map(([name, call]) => [name, refused(call)]);
    expect(inside).toEqual(all);
  });
  const { memory, machine } = systemOf(kernel);
  expect([memory.irqsDisabled(), memory.loadAcquire(machine.layout.panic)]).toEqual([false, 0]);
  kernel.rcuBarrier();
  expect(audit(systemOf(kernel))).toEqual([]);
}

const FORMS: readonly (readonly [string, BootOptions])[] = [
  ["SLUB of 4.1", { kernel: "4.1" }],
  ["SLUB of 7.1", { kernel: "7.1" }],
  ["SLAB", { allocator: "slab" }],
];

describe.each(FORMS)("%s", (_, form) => {
  const kernel = boot({ cpus: 2, memory: 16 * MIB, ...form });
  const calls = callsOf(kernel);

  test.each(VALUES)("%s is refused by every call", (_name, none) => {
    expectNothingChanged(kernel, none);
    expectRefusals(kernel, calls, none);
  });
});

describe("policies, groups, reserves, kmemleak and boot", () => {
  const kernel = boot({
    kernel: "7.1",
    cpus: 2,
    memory: 16 * MIB,
    groups: true,
    policies: true,
    reserves: true,
    kmemleak: true,
  });
  const calls = callsOfExtras(kernel);

  test.each(VALUES)("%s is refused by every call", (_name, none) => {
    expectRefusals(kernel, calls, none);
  });

  test("a policy that there is not is refused, and a place that is not in the memory", () => {
    const { policies, debug } = kernel;
    expect(() => policies?.setPolicy("binds" as Anything, [0])).toThrow('no policy "binds"');
    expect(() => debug.kmemleak?.root(64, Number.POSITIVE_INFINITY)).toThrow("not in the memory");
    expect(() => debug.kmemleak?.root(-4, 8)).toThrow("not in the memory");
  });
});
