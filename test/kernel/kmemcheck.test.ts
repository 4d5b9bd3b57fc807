import { expect, test } from "vitest";
import {
  type AllocatorName,
  boot,
  GFP_KERNEL,
  geometry,
  type Kernel,
  MIB,
} from "../../src/kernel/index.ts";
import { systemOf } from "../../src/kernel/kernel.ts";

const ALLOCATORS = ["slub", "slab"] as const;
const SLAB_NOTRACK = 0x1000000;
const SLAB_TYPESAFE_BY_RCU = 0x80000;
const __GFP_NOTRACK = 0x200000;

interface Watched {
  readonly kernel: Kernel;
  readonly lines: string[];
  /** What was read, of each report so far. */
  caught(): string[];
}

function watched(
  allocator: AllocatorName,
  kmemcheck: true | "panic" = true,
  memory = 8 * MIB,
): Watched {
  const kernel = boot({ cpus: 1, memory, allocator, kernel: "4.1", kmemcheck });
  const lines: string[] = [];
  kernel.debug.onConsole((line) => lines.push(line));
  const caught = () => lines.flatMap((line) => /: Caught (.*) memory/.exec(line)?.[1] ?? []);
  return { kernel, lines, caught };
}

test.each(ALLOCATORS)(
  "a read of bytes that nobody has written is caught once (%s)",
  (allocator) => {
    const { kernel, caught } = watched(allocator);
    const words = kernel.view32(kernel.kmalloc(64));
    words[1] = 7;
    expect(words[1]).toBe(7);
    expect(caught()).toEqual([]);
    expect(words[2]).toBeDefined();
    expect(caught()).toEqual(["32-bit read from uninitialized"]);
    expect(words[2]).toBeDefined();
    expect(caught()).toHaveLength(1);
    expect(kernel.debug.badAccesses).toBe(1);
  },
);

test.each(ALLOCATORS)("a read of a freed object is caught, a write is not (%s)", (allocator) => {
  const { kernel, caught } = watched(allocator);
  const object = kernel.kmalloc(64);
  const bytes = kernel.view8(object);
  bytes.fill(1);
  kernel.kfree(object);
  bytes[3] = 1;
  expect(caught()).toEqual([]);
  expect(bytes[4]).toBeDefined();
  expect(caught()).toEqual(["8-bit read from freed"]);
});

test.each(ALLOCATORS)(
  "zeroed objects and those not to be tracked are never caught (%s)",
  (which) => {
    const { kernel, caught } = watched(which);
    const untracked = kernel.kmemCacheCreate("untracked", 64, { flags: SLAB_NOTRACK });
    const tracked = kernel.kmemCacheCreate("tracked", 64);
    expect(untracked).not.toBe(tracked);
    const objects = [
      kernel.kzalloc(64),
      kernel.kmalloc(64, GFP_KERNEL | __GFP_NOTRACK),
      kernel.kmemCacheAlloc(untracked),
    ];
    for (const object of objects) expect(kernel.view32(object)[5]).toBeDefined();
    expect(caught()).toEqual([]);
    expect(kernel.view32(kernel.kmemCacheAlloc(tracked))[5]).toBeDefined();
    expect(caught()).toHaveLength(1);
  },
);

test.each(ALLOCATORS)("constructors and readers under RCU keep what is known (%s)", (which) => {
  const { kernel, caught } = watched(which);
  const ctor = kernel.registerConstructor((object) => {
    kernel.view32(object, 8).fill(7);
  });
  const made = kernel.kmemCacheCreate("made", 64, { ctor });
  for (let i = 0; i < 2; i++) {
    const object = kernel.kmemCacheAlloc(made);
    expect(kernel.view32(object)[1]).toBe(7);
    kernel.kmemCacheFree(made, object);
  }
  const typesafe = kernel.kmemCacheCreate("typesafe", 64, { flags: SLAB_TYPESAFE_BY_RCU });
  const object = kernel.kmemCacheAlloc(typesafe);
  const words = kernel.view32(object);
  words.fill(3);
  kernel.kmemCacheFree(typesafe, object);
  expect(words[1]).toBe(3);
  expect(caught()).toEqual([]);
  // The constructor has written 8 bytes, and no more.
  expect(kernel.view32(kernel.kmemCacheAlloc(made))[2]).toBeDefined();
  expect(caught()).toEqual(["32-bit read from uninitialized"]);
});

test.each(ALLOCATORS)("krealloc and bulk calls keep count, too (%s)", (which) => {
  const { kernel, caught } = watched(which);
  const small = kernel.kmalloc(64);
  kernel.view8(small).subarray(0, 32).fill(1);
  const grown = kernel.view8(kernel.krealloc(small, 500));
  expect(grown[31]).toBe(1);
  expect(caught()).toEqual([]);
  expect([grown[32], grown[64]]).toBeDefined();
  expect(caught()).toHaveLength(2);
  const s = kernel.kmemCacheCreate("bulk", 64);
  const objects: number[] = [];
  kernel.kmemCacheAllocBulk(s, 4, objects);
  const bytes = kernel.view8(objects[2] ?? 0);
  expect(bytes[0]).toBeDefined();
  expect(caught()[2]).toBe("8-bit read from uninitialized");
  kernel.kmemCacheFreeBulk(s, 4, objects);
  expect(bytes[9]).toBeDefined();
  expect(caught()[3]).toBe("8-bit read from freed");
});

test("pages that are no slab any more are not tracked", () => {
  const { kernel } = watched("slub");
  const s = kernel.kmemCacheCreate("going", 3000);
  const object = kernel.kmemCacheAlloc(s);
  const shadow = systemOf(kernel).common.kmemcheck?.shadow;
  // Uninitialised, and behind it what is not allocated yet.
  expect([shadow?.of(object), shadow?.of(object + 3000)]).toEqual([2, 1]);
  kernel.kmemCacheFree(s, object);
  kernel.kmemCacheDestroy(s);
  expect(shadow?.of(object)).toBe(0);
});

/** Whole pages: in SLUB what no cache has, in SLAB, which has caches of 4 MiB, a range of pages. */
const LARGE = { slub: 100_000, slab: 5 * MIB } as const;

test.each(ALLOCATORS)(
  "a large kmalloc is watched as an object is, until it is freed (%s)",
  (which) => {
    const { kernel, caught } = watched(which, true, 24 * MIB);
    const size = LARGE[which];
    const block = kernel.kmalloc(size);
    const words = kernel.view32(block);
    words[1] = 7;
    expect(words[1]).toBe(7);
    expect(caught()).toEqual([]);
    expect([words[2], words[size / 4 - 1]]).toBeDefined();
    const read = "32-bit read from uninitialized";
    expect(caught()).toEqual([read, read]);
    kernel.kfree(block);
    // Nothing is known of free pages.
    expect(words[5]).toBeDefined();
    expect(caught()).toHaveLength(2);
  },
);

test.each(ALLOCATORS)(
  "a large kmalloc that is zeroed or not to be tracked is never caught (%s)",
  (which) => {
    const { kernel, caught } = watched(which, true, 24 * MIB);
    const size = LARGE[which];
    for (const block of [kernel.kzalloc(size), kernel.kmalloc(size, GFP_KERNEL | __GFP_NOTRACK)]) {
      expect(kernel.view32(block)[5]).toBeDefined();
      kernel.kfree(block);
    }
    expect(caught()).toEqual([]);
  },
);

test("krealloc takes what is known of an object to a large block", () => {
  const { kernel, caught } = watched("slub");
  const small = kernel.kmalloc(64);
  kernel.view8(small).subarray(0, 32).fill(1);
  const large = kernel.view8(kernel.krealloc(small, 20_000));
  expect(large[31]).toBe(1);
  expect(caught()).toEqual([]);
  expect(large[32]).toBeDefined();
  expect(caught()).toHaveLength(1);
});

test("a report has the lines of 4.1", () => {
  const { kernel, lines } = watched("slub");
  const object = kernel.kmalloc(64);
  const bytes = kernel.view8(object);
  bytes[0] = 0x12;
  bytes[34] = 0x34;
  expect(kernel.view32(object)[9]).toBeDefined();
  const at = (object + 36).toString(16).padStart(16, "0");
  expect(lines[0]).toBe(`WARNING: kmemcheck: Caught 32-bit read from uninitialized memory (${at})`);
  expect(lines[1]).toMatch(/^[0-9a-f]{4}34[0-9a-f]{58}$/);
  expect(lines[2]).toBe(" u u i".concat(" u".repeat(29)));
  // Under the letter of the first byte that was read.
  expect(lines[3]).toBe(`${" ".repeat(9)}^`);
  expect(lines[2]?.charAt(9)).toBe("u");
  expect(lines[4]).toMatch(/^CPU: 0 PID: 0 Comm: slablab Not tainted 4\.1/);
});

test("with panic, a report is an error", () => {
  const { kernel } = watched("slub", "panic");
  const view = kernel.view8(kernel.kmalloc(8));
  expect(() => view[3]).toThrow("kmemcheck: uninitialized memory read at 0x");
});

test("caches are merged by SLAB_NOTRACK only where kmemcheck is built in", () => {
  const merged = ([false, true] as const).map((kmemcheck) => {
    const kernel = boot({ cpus: 1, memory: 8 * MIB, kernel: "4.1", kmemcheck });
    const tracked = kernel.kmemCacheCreate("tracked", 72);
    return kernel.kmemCacheCreate("untracked", 72, { flags: SLAB_NOTRACK }) === tracked;
  });
  expect(merged).toEqual([true, false]);
});

test.each([
  [{ kernel: "6.1", kmemcheck: true }, "Linux 6.1 has none"],
  [{ kernel: "4.1", kmemcheck: true, kasan: true }, "not together with kasan"],
] as const)("options %o are refused", (options, why) => {
  expect(() => boot(options)).toThrow(why);
});

test("geometry shows SLAB_NOTRACK only where kmemcheck is built in", () => {
  const shown = (config: readonly "KMEMCHECK"[]) => {
    const row = geometry({ kernel: "4.1", size: 64, flags: SLAB_NOTRACK, config });
    return "out_flags" in row ? Number(row.out_flags) & SLAB_NOTRACK : -1;
  };
  expect([shown([]), shown(["KMEMCHECK"])]).toEqual([0, SLAB_NOTRACK]);
});
