/** What programs hand over by mistake: refused in one sentence, and nothing has changed. */
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { audit } from "../../src/check/audit.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import {
  attach,
  boot,
  KernelBug,
  MIB,
  SLAB_CONSISTENCY_CHECKS,
  SLAB_RED_ZONE,
} from "../../src/kernel/index.ts";
import { type Kernel, systemOf } from "../../src/kernel/kernel.ts";
import { mutexLock } from "../../src/machine/mutex.ts";

const forms: readonly (readonly [string, BootOptions])[] = [
  ["SLUB of 4.1", { kernel: "4.1" }],
  ["SLUB of 6.1", { kernel: "6.1" }],
  ["SLUB of 7.1", { kernel: "7.1" }],
  ["SLAB of 4.1", { allocator: "slab" }],
  ["SLAB with DEBUG_SLAB", { allocator: "slab", config: ["DEBUG_SLAB"] }],
];

// biome-ignore lint/suspicious/noExplicitAny: arguments are anything
type Anything = any;

describe.each(forms)("%s", (_name, form) => {
  let kernel: Kernel;

  beforeEach(() => {
    kernel = boot({ cpus: 2, memory: 16 * MIB, ...form });
  });

  afterEach(() => {
    const system = systemOf(kernel);
    expect(system.memory.loadAcquire(system.machine.layout.panic)).toBe(0);
    expect(system.memory.irqsDisabled()).toBe(false);
    kernel.rcuBarrier();
    expect(audit(system)).toEqual([]);
  });

  const noCaches: readonly Anything[] = [
    undefined,
    null,
    Number.NaN,
    "64",
    {},
    -1,
    64,
    0.5,
    2 ** 31,
  ];

  test.each(noCaches)("%o is no cache for any call", (none) => {
    const object = kernel.kmalloc(64);
    const calls: Record<string, () => unknown> = {
      alloc: () => kernel.kmemCacheAlloc(none),
      zalloc: () => kernel.kmemCacheZalloc(none),
      allocNode: () => kernel.kmemCacheAllocNode(none, 0xd0, 0),
      trace: () => kernel.kmallocTrace(none, 8),
      free: () => kernel.kmemCacheFree(none, object),
      allocBulk: () => kernel.kmemCacheAllocBulk(none, 4, []),
      freeBulk: () => kernel.kmemCacheFreeBulk(none, 1, [object]),
      shrink: () => kernel.kmemCacheShrink(none),
      destroy: () => kernel.kmemCacheDestroy(none),
      size: () => kernel.kmemCacheSize(none),
      validate: () => kernel.debug.validate(none),
      liveObjects: () => kernel.debug.liveObjects(none),
    };
    for (const [name, call] of Object.entries(calls)) expect(call, name).toThrow(/is no cache/);
    kernel.run(() => {
      for (const [name, call] of Object.entries(calls)) expect(call, name).toThrow(KernelBug);
    });
    kernel.kfree(object);
  });

  test.each([undefined, null, Number.NaN, {}, "many", () => 1])(
    "%o is no size, for any call",
    (none: Anything) => {
      const object = kernel.kmalloc(64);
      const s = kernel.kmemCacheCreate("sized", 96);
      const calls: Record<string, () => unknown> = {
        kmalloc: () => kernel.kmalloc(none),
        aligned: () => kernel.kmallocAligned(none, 64),
        krealloc: () => kernel.krealloc(object, none),
        create: () => kernel.kmemCacheCreate("none", none),
        trace: () => kernel.kmallocTrace(s, none),
        allocBulk: () => kernel.kmemCacheAllocBulk(s, none, []),
      };
      for (const [name, call] of Object.entries(calls)) expect(call, name).toThrow(KernelBug);
      kernel.run(() => {
        for (const [name, call] of Object.entries(calls)) expect(call, name).toThrow(KernelBug);
      });
      for (const align of [none, 0, 0.5, "64", 48, 2 ** 23]) {
        expect(() => kernel.kmallocAligned(64, align)).toThrow(/no power of two up to 4 MiB/);
      }
      expect(() => kernel.kmemCacheCreate({} as Anything, 64)).toThrow(/is no name/);
      expect(() => kernel.run(() => 1, 0, Number.NaN)).toThrow(/is no number of ms/);
      kernel.kfree(object);
      expect(kernel.kmemCacheDestroy(s)).toBe(0);
    },
  );

  test.each([null, Number.NaN, "208", 0.5, {}])("%o is no gfp mask", (none: Anything) => {
    const s = kernel.kmemCacheCreate("masked", 96);
    const calls = [
      () => kernel.kmallocNode(64, none, 0),
      () => kernel.kmallocAligned(64, 8, none),
      () => kernel.kmemCacheAllocNode(s, none, 0),
    ];
    for (const call of calls) expect(call).toThrow(/is no gfp mask/);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });

  test("a cache as text or destroyed, and an object, are no caches", () => {
    const s = kernel.kmemCacheCreate("short-lived", 1800);
    expect(() => kernel.kmemCacheAlloc(String(s) as Anything)).toThrow(KernelBug);
    expect(() => kernel.kmemCacheAlloc(s + 0.5)).toThrow(KernelBug);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
    expect(() => kernel.kmemCacheAlloc(s)).toThrow(/no cache, or one that was destroyed/);
    expect(() => kernel.kmemCacheDestroy(s)).toThrow(KernelBug);
    const object = kernel.kmalloc(64);
    expect(() => kernel.kmemCacheShrink(object)).toThrow(KernelBug);
    kernel.kfree(object);
  });

  test("the kernel's own caches are not destroyed, not even by one destroy too many of an alias", () => {
    const alias = kernel.kmemCacheCreate("alias", 96);
    const own = systemOf(kernel).common.kmallocCache(1);
    if (alias === own) expect(kernel.kmemCacheDestroy(alias)).toBe(0);
    for (const s of systemOf(kernel).common.caches()) {
      if (s !== alias || alias === own) {
        expect(() => kernel.kmemCacheDestroy(s)).toThrow(/is the kernel's own/);
      }
    }
    expect(kernel.kmalloc(96)).toBeGreaterThan(0);
  });

  test("an address as text, beyond 32 bits or outside of the memory is refused", () => {
    const object = kernel.kmalloc(64);
    const big = kernel.kmalloc(200_000);
    kernel.view8(big).fill(7);
    const wrong = [String(object), object + 2 ** 32, object + 0.5, -1, -(2 ** 31), 17 * MIB, {}];
    for (const address of wrong as Anything[]) {
      expect(() => kernel.kfree(address), `${address}`).toThrow(KernelBug);
      expect(() => kernel.kfreeRcu(address), `${address}`).toThrow(KernelBug);
      expect(() => kernel.krealloc(address, 5000), `${address}`).toThrow(KernelBug);
      expect(() => kernel.ksize(address), `${address}`).toThrow(KernelBug);
      expect(() => kernel.view8(address), `${address}`).toThrow(KernelBug);
      expect(() => kernel.kmemCacheFreeBulk(0, 1, [address]), `${address}`).toThrow(KernelBug);
    }
    expect(kernel.view8(big).every((byte) => byte === 7)).toBe(true);
    kernel.kfree(object);
    kernel.kfree(big);
  });

  test("views refuse NULL, places out of step, and lengths that are none", () => {
    const object = kernel.kmalloc(64);
    for (const view of ["view8", "view32", "viewFloat64"] as const) {
      expect(() => kernel[view](0)).toThrow(`${view}: 0 is no object`);
      for (const length of [-1, 0.5, Number.NaN, "64"] as Anything[]) {
        expect(() => kernel[view](object, length)).toThrow(/is no number of bytes/);
      }
    }
    expect(() => kernel.view32(object + 1, 8)).toThrow(/is no multiple of 4/);
    expect(() => kernel.viewFloat64(object + 4, 8)).toThrow(/is no multiple of 8/);
    kernel.kfree(object);
  });

  test("a bulk is refused before anything is changed", () => {
    const s = kernel.kmemCacheCreate("bulky", 1000);
    const other = kernel.kmemCacheCreate("others", 2500);
    expect(() => kernel.kmemCacheAllocBulk(s, 4, undefined as Anything)).toThrow(/is no array/);
    expect(() => kernel.kmemCacheAllocBulk(s, 64.5, [])).toThrow(/is no number of objects/);
    const p: number[] = [];
    expect(kernel.kmemCacheAllocBulk(s, 4, p)).toBe(4);
    const stranger = kernel.kmemCacheAlloc(other);
    for (const [size, objects] of [
      [-1, p],
      [0.5, p],
      ["1", p],
      [5, p],
      [5, [...p, 0]],
      [5, [...p, stranger]],
      [5, [...p, String(stranger)]],
      [4, undefined],
    ] as Anything[]) {
      expect(() => kernel.kmemCacheFreeBulk(s, size, objects)).toThrow(KernelBug);
    }
    kernel.kmemCacheFreeBulk(s, 4, p);
    kernel.kmemCacheFree(other, stranger);
    expect([kernel.kmemCacheDestroy(s), kernel.kmemCacheDestroy(other)]).toEqual([0, 0]);
  });

  test("the error of a constructor is the error of the call, and the cache can go", () => {
    const ctor = kernel.registerConstructor(() => {
      throw new TypeError("not built");
    });
    const s = kernel.kmemCacheCreate("built", 200, { ctor });
    for (let i = 0; i < 3; i++) {
      expect(() => kernel.kmemCacheAlloc(s)).toThrow("not built");
      expect(() => kernel.run(() => kernel.kmemCacheAlloc(s))).toThrow("not built");
      expect(() => kernel.kmemCacheAllocBulk(s, 9, [])).toThrow("not built");
      kernel.kfree(kernel.kmalloc(64));
    }
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });

  test("a constructor that calls the kernel is refused", () => {
    const calls: (() => unknown)[] = [
      () => kernel.kmalloc(64),
      () => kernel.kmemCacheAlloc(s),
      () => kernel.kmemCacheDestroy(s),
      () => kernel.synchronizeRcu(),
      () => kernel.run(() => 1),
      () => kernel.rcuReadLock(),
      () => kernel.rcuReadUnlock(),
    ];
    let call: () => unknown = () => undefined;
    const ctor = kernel.registerConstructor(() => {
      call();
    });
    const s = kernel.kmemCacheCreate("caller", 200, { ctor });
    for (call of calls) {
      expect(() => kernel.kmemCacheAlloc(s)).toThrow(/a constructor may do nothing but write/);
    }
    call = () => undefined;
    kernel.kmemCacheFree(s, kernel.kmemCacheAlloc(s));
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });

  test("only a function is a constructor, and only its number is one", () => {
    for (const none of [undefined, null, 5, "f"] as Anything[]) {
      expect(() => kernel.registerConstructor(none)).toThrow(/is no function/);
    }
    expect(() => kernel.registerConstructor(async () => {})).toThrow(/must not be async/);
    expect(() => kernel.registerConstructor(function* () {} as Anything)).toThrow(/a generator/);
    for (let number = 1; number < 10; number++) {
      const create = () => kernel.kmemCacheCreate("internal", 100, { ctor: number });
      expect(create).toThrow(/there is no constructor/);
    }
  });

  test("sinks are called when the call is over, and their errors are no errors of it", async () => {
    const rejected: unknown[] = [];
    const listen = (error: unknown) => rejected.push(error);
    const others = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", listen);
    const seen: unknown[] = [];
    kernel.debug.onReport((report) => {
      seen.push(report);
      kernel.kfree(kernel.kmalloc(100));
      throw new Error("of the sink");
    });
    const s = kernel.kmemCacheCreate("guarded", 64, {
      flags: SLAB_RED_ZONE | SLAB_CONSISTENCY_CHECKS,
    });
    const object = kernel.kmemCacheAlloc(s);
    if (form.allocator !== "slab") systemOf(kernel).memory.write8(object + 64, 1);
    kernel.kmemCacheFree(s, object);
    await new Promise((resolve) => setImmediate(resolve));
    process.removeListener("unhandledRejection", listen);
    for (const listener of others) process.on("unhandledRejection", listener);
    expect(rejected).toHaveLength(seen.length);
    if (form.allocator !== "slab") expect(seen.length).toBeGreaterThan(0);
    kernel.kmemCacheShrink(s);
  });

  test("a section is a function, and not an async one", () => {
    expect(() => kernel.run(undefined as Anything)).toThrow(/is no function/);
    expect(() => kernel.run(async () => 1)).toThrow(/must not be async/);
    expect(() => kernel.run((async () => 1).bind(null))).toThrow(/must not be async/);
    expect(() => kernel.run(runInNewContext("async () => 1"))).toThrow(/must not be async/);
    expect(() => kernel.run(function* () {})).toThrow(/must not be a generator/);
    expect(() => kernel.run(() => Promise.resolve(1))).toThrow(/must not return a promise/);
    expect(kernel.run(runInNewContext("() => 1"))).toBe(1);
  });

  test("a section that ends as a reader is refused, and the reader has ended", () => {
    expect(() => kernel.run(() => kernel.rcuReadLock())).toThrow(/ended in a read-side section/);
    kernel.synchronizeRcu();
    expect(() => kernel.run(() => kernel.rcuReadUnlock())).toThrow(/without rcu_read_lock/);
  });

  test("an array that does not take the objects is refused before there are any", () => {
    const s = kernel.kmemCacheCreate("bulk", 100);
    const sealed = Object.seal([0, 0, 0, 0]);
    const none = [Object.freeze([]), Object.freeze([1, 2, 3, 4]), Object.preventExtensions([1])];
    for (const p of none) {
      expect(() => kernel.kmemCacheAllocBulk(s, 4, p as Anything)).toThrow(/array is frozen/);
    }
    expect(() => kernel.kmemCacheAllocBulk(s, 5, sealed)).toThrow(/takes no more than 4 objects/);
    expect(kernel.kmemCacheAllocBulk(s, 4, sealed)).toBe(4);
    kernel.kmemCacheFreeBulk(s, 4, sealed);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });

  test("a bulk loses no object to an array that runs code of the program", () => {
    const s = kernel.kmemCacheCreate("hostile", 1000);
    const fail = (): never => {
      throw new Error("not stored");
    };
    const refusing = new Proxy([], { set: () => false });
    const failing = Object.defineProperty(Array(9).fill(0), 5, { get: fail, set: fail });
    for (const p of [refusing, failing]) {
      expect(() => kernel.kmemCacheAllocBulk(s, 9, p)).toThrow(/falsish|not stored/);
      expect(() => kernel.run(() => kernel.kmemCacheAllocBulk(s, 9, p))).toThrow();
    }
    const objects: number[] = [];
    kernel.kmemCacheAllocBulk(s, 9, objects);
    const read = new Set<PropertyKey>();
    const once = new Proxy(objects, {
      get: (target, key) =>
        read.size === read.add(key).size && key !== "length" ? fail() : Reflect.get(target, key),
    });
    kernel.kmemCacheFreeBulk(s, 9, once);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });

  test.each(["1000", true, { valueOf: () => 64 }] as Anything[])(
    "%o is no size, though it would become a number",
    (size) => {
      const object = kernel.kmalloc(2000);
      const calls = [
        () => kernel.kmalloc(size),
        () => kernel.kzalloc(size),
        () => kernel.krealloc(object, size),
      ];
      for (const call of calls) {
        expect(call).toThrow(/is no number of bytes/);
        expect(() => kernel.run(call)).toThrow(/is no number of bytes/);
      }
      kernel.kfree(object);
    },
  );
});

test.each([
  [{ cpu: 2 }, /there is no option "cpu"; there are cpus, nodes/],
  [{ cpus: "2" }, /cpus must be a number, not "2"/],
  [{ hardened: 1 }, /hardened must be true or false, not 1/],
  [{ failSlab: { probabilty: 0.01 } }, /failSlab: there is no option "probabilty"/],
  [{ failSlab: { probability: Number.NaN } }, /probability must be a number from 0 to 1, not NaN/],
  [{ failPages: { times: 0.5 } }, /times must be a whole number/],
  [{ config: ["DEBUG_SLUB"] }, /config: "DEBUG_SLUB" names no build option/],
  [{ parameters: [] }, /parameters must be an object, not a list/],
  [{ seed: 0.5 }, /seed must be a whole number/],
  [{ memory: {} }, /memory: buffer is missing/],
  [{ memory: { buffer: new ArrayBuffer(8) } }, /buffer must be a shared WebAssembly\.Memory/],
  [{ nodes: 0 }, /nodes must be at least 1, not 0/],
  [{ memory: Number.NaN }, /memory must be a number of bytes, not NaN/],
  [5, /the options must be an object, not 5/],
])("boot refuses an option by its name: %o", (options, reason) => {
  const start = () => boot({ ...(options as object) });
  expect(typeof options === "number" ? () => boot(options as Anything) : start).toThrow(reason);
});

test("an option that is undefined is left out", () => {
  const kernel = boot({ memory: 16 * MIB, cpus: undefined } as object);
  expect(kernel.onlineCpus()).toHaveLength(4);
});

test("kmemCacheCreate and arm refuse options by their names", () => {
  const kernel = boot({ cpus: 1, memory: 16 * MIB, failSlab: { probability: 0 } });
  const create = (options: object) => () => kernel.kmemCacheCreate("c", 100, options);
  expect(create({ alignment: 8 })).toThrow(/there is no option "alignment"; there are align/);
  expect(create({ align: "8" })).toThrow(/align must be a number, not "8"/);
  expect(() => kernel.debug.failSlab?.arm({ probabilty: 1 } as object)).toThrow(/no option/);
});

test("an error that leaves a mutex behind stops the machine at once", () => {
  const kernel = boot({ cpus: 2, memory: 16 * MIB });
  const system = systemOf(kernel);
  const other = attach(kernel.shared);
  const left = () =>
    kernel.run(() => {
      mutexLock(system.memory, system.common.slabMutex);
      throw new Error("in the middle");
    });
  expect(left).toThrow("in the middle");
  expect(() => other.kmemCacheCreate("c", 100)).toThrow(/the machine has panicked/);
  expect(() => kernel.kmalloc(64)).toThrow(/the machine has panicked/);
});

test("what is no group of this kernel is refused", () => {
  const form = { cpus: 2, memory: 16 * MIB, groups: true };
  const [kernel, foreign] = [boot(form), boot(form)];
  const group = kernel.group(MIB);
  for (const none of [undefined, null, "x", {}, Number.NaN, -1, 4096, group.at + 4] as Anything[]) {
    expect(() => kernel.groupAt(none)).toThrow(/there is no group at/);
    expect(() => kernel.runIn(none, () => 1)).toThrow(/is no group/);
  }
  expect(() => kernel.runIn(foreign.group(MIB), () => 1)).toThrow(/another kernel's/);
  expect(() => kernel.runIn(group, undefined as Anything)).toThrow(/is no function/);
  expect(() => kernel.runIn(group, async () => 1)).toThrow(/must not be async/);
  expect(
    attach(kernel.shared)
      .groupAt(group.at)
      .run(() => 1),
  ).toBe(1);
  expect(group.kill()).toBe(0);
  expect(() => kernel.groupAt(group.at)).toThrow(/there is no group at/);
});
