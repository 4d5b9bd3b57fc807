import { describe, expect, test } from "vitest";
import { Ledger, ledgerBytes } from "../../src/check/ledger.ts";
import { withLedger } from "../../src/check/with-ledger.ts";
import {
  attach,
  type BootOptions,
  boot,
  type Kernel,
  type Kmemleak,
  MIB,
} from "../../src/kernel/index.ts";
import { systemOf } from "../../src/kernel/kernel.ts";
import { shadowBytes } from "../../src/machine/kasan-shadow.ts";

function watched(options: BootOptions = {}): { kernel: Kernel; kmemleak: Kmemleak } {
  const kernel = boot({ cpus: 2, nodes: 2, memory: 16 * MIB, kmemleak: true, ...options });
  const { kmemleak } = kernel.debug;
  if (kmemleak === undefined) throw new Error("booted without kmemleak");
  return { kernel, kmemleak };
}

const SLAB_NOLEAKTRACE = 0x800000;

const MACHINES: readonly BootOptions[] = [
  { allocator: "slub", kernel: "4.1" },
  { allocator: "slub", kernel: "6.1" },
  { allocator: "slub", kernel: "6.19" },
  { allocator: "slub", kernel: "7.1" },
  { allocator: "slab", kernel: "4.1" },
  { allocator: "slab", kernel: "6.1" },
];

describe.each(MACHINES)("$allocator of $kernel", (machine) => {
  test("reports the object that nothing points to, in the second scan, and once", () => {
    const { kernel, kmemleak } = watched(machine);
    const [shelf, kept, deep, lost] = [512, 200, 200, 200].map((size) => kernel.kzalloc(size)) as [
      number,
      number,
      number,
      number,
    ];
    kmemleak.notLeak(shelf);
    kernel.view32(shelf)[5] = kept;
    // A pointer into an object will do.
    kernel.view32(kept)[0] = deep + 100;
    expect(kmemleak.scan()).toEqual([]);
    expect(kmemleak.scan().map(({ object }) => object)).toEqual([lost]);
    expect(kmemleak.scan()).toEqual([]);
    kernel.view32(shelf)[5] = 0;
    expect(kmemleak.scan()).toEqual([]);
    expect(new Set(kmemleak.scan().map(({ object }) => object))).toEqual(new Set([kept, deep]));
  });

  test("reports nothing of its own, whatever it has done", () => {
    const { kernel, kmemleak } = watched(machine);
    const objects = Array.from({ length: 600 }, (_, i) => kernel.kmalloc(8 + (i % 90) * 40));
    for (const object of objects) kernel.kfree(object);
    const s = kernel.kmemCacheCreate("another", 333);
    kernel.kmemCacheFree(s, kernel.kmemCacheAlloc(s));
    expect([kmemleak.scan(), kmemleak.scan()]).toEqual([[], []]);
  });
});

test("an object that changes is not reported", () => {
  const { kernel, kmemleak } = watched();
  const busy = kernel.kzalloc(64);
  for (let i = 0; i < 3; i++) {
    kernel.view32(busy)[0] = -1 - i;
    expect(kmemleak.scan()).toEqual([]);
  }
  expect(kmemleak.scan().map(({ object }) => object)).toEqual([busy]);
});

test("an ignored object is neither reported nor scanned, and one that is not scanned holds nothing", () => {
  const { kernel, kmemleak } = watched();
  const [black, behind, plain, after] = [64, 64, 64, 64].map((size) => kernel.kzalloc(size)) as [
    number,
    number,
    number,
    number,
  ];
  kmemleak.ignore(black);
  kmemleak.notLeak(plain);
  kmemleak.noScan(plain);
  kernel.view32(black)[0] = behind;
  kernel.view32(plain)[0] = after;
  kmemleak.scan();
  expect(new Set(kmemleak.scan().map(({ object }) => object))).toEqual(new Set([behind, after]));
});

test("an object that a root names is no leak; the report of a leak says where it was allocated", () => {
  const { kernel, kmemleak } = watched({ parameters: { slub_debug: "U" } });
  const root = kernel.kzalloc(64);
  kmemleak.ignore(root);
  kmemleak.root(root, 64);
  kernel.view32(root)[3] = kernel.kmalloc(40);
  function forgetful(): number {
    return kernel.kzalloc(100);
  }
  const lost = forgetful();
  kmemleak.scan();
  const [leak, ...others] = kmemleak.scan();
  expect(others).toEqual([]);
  expect(leak).toMatchObject({ object: lost, bytes: 128, cache: "kmalloc-128", task: 0 });
  expect(leak?.track?.stack[0]).toMatch(/forgetful/);
  expect(leak?.track?.age).toBeGreaterThanOrEqual(0);
});

test("marks are for objects in use; a freed object that is handed out again has none", () => {
  const { kernel, kmemleak } = watched();
  const object = kernel.kzalloc(64);
  kmemleak.ignore(object);
  kernel.kfree(object);
  for (const call of ["notLeak", "ignore", "noScan"] as const) {
    expect(() => kmemleak[call](object)).toThrow(`no object in use begins at ${object}`);
  }
  expect(() => kmemleak.ignore(3)).toThrow("kmemleak_ignore");
  expect(kernel.kzalloc(64)).toBe(object);
  kmemleak.scan();
  expect(kmemleak.scan().map((leak) => leak.object)).toEqual([object]);
});

test("an object that follows another at its place is suspected on its own account", () => {
  const { kernel, kmemleak } = watched();
  const object = kernel.kzalloc(64);
  kmemleak.scan();
  kernel.kfree(object);
  expect(kernel.kzalloc(64)).toBe(object);
  expect(kmemleak.scan()).toEqual([]);
  expect(kmemleak.scan().map((leak) => leak.object)).toEqual([object]);
});

test("objects of caches with SLAB_NOLEAKTRACE are not known, those of bulk calls and sheaves are", () => {
  const { kernel, kmemleak } = watched({ kernel: "7.1" });
  const untraced = kernel.kmemCacheCreate("untraced", 64, { flags: SLAB_NOLEAKTRACE });
  kernel.kmemCacheZalloc(untraced);
  const s = kernel.kmemCacheCreate("sheaved", 64);
  const objects: number[] = [];
  kernel.kmemCacheAllocBulk(s, 3, objects);
  const sheaf = kernel.kmemCachePrefillSheaf(s, 2);
  const fromSheaf = kernel.allocFromSheaf(s, sheaf);
  kernel.returnSheaf(s, sheaf);
  const freed = objects.pop() ?? 0;
  kernel.kmemCacheFreeBulk(s, 1, [freed]);
  expect(() => kmemleak.notLeak(freed)).toThrow("no object in use begins");
  kmemleak.scan();
  const found = new Set(kmemleak.scan().map(({ object }) => object));
  expect(found).toEqual(new Set([...objects, fromSheaf]));
});

test("another thread knows the marks", () => {
  const { kernel, kmemleak } = watched();
  const [gray, lost] = [kernel.kzalloc(64), kernel.kzalloc(64)];
  kmemleak.notLeak(gray);
  const other = attach(kernel.shared).debug.kmemleak;
  other?.scan();
  expect(other?.scan().map(({ object }) => object)).toEqual([lost]);
});

test.each([
  { kernel: "6.1", kasan: true },
  { kernel: "4.1", kmemcheck: true },
] as const)(
  "objects, marks and scans leave the shadow of another checker as it is: %o",
  (machine) => {
    const shadowOf = (of: Kernel, bytes: number): Uint8Array => {
      const { machine: made } = systemOf(of);
      const from = made.layout.end + made.options.checker;
      return new Uint8Array(of.shared.machine.memory.buffer, from, bytes).slice();
    };
    const filled = (kmemleak: boolean): Kernel => {
      const kernel = boot({ cpus: 1, memory: 8 * MIB, ...machine, kmemleak });
      const objects = Array.from({ length: 900 }, () => kernel.kzalloc(4096));
      for (const object of objects.filter((_, i) => i % 2 === 0)) kernel.kfree(object);
      for (const object of objects.filter((_, i) => i % 2 !== 0)) {
        kernel.debug.kmemleak?.noScan(object);
        kernel.debug.kmemleak?.ignore(object);
      }
      kernel.debug.kmemleak?.scan();
      kernel.debug.kmemleak?.scan();
      return kernel;
    };
    const bytes = "kasan" in machine ? shadowBytes(8 * MIB) : 8 * MIB;
    const alone = shadowOf(filled(false), bytes);
    expect(new Set(alone).size).toBeGreaterThan(1);
    expect(shadowOf(filled(true), bytes)).toEqual(alone);
  },
);

describe("large kmallocs", () => {
  test("are reported, and are no leaks once something points to them or they are freed", () => {
    const { kernel, kmemleak } = watched();
    const [kept, lost, freed] = [1, 2, 3].map((n) => kernel.kmalloc(n * 65_536)) as [
      number,
      number,
      number,
    ];
    const shelf = kernel.kzalloc(64);
    kmemleak.notLeak(shelf);
    kernel.view32(shelf)[2] = kept + 40_000;
    for (const object of [kept, lost, freed]) kernel.view32(object).fill(0);
    kernel.kfree(freed);
    kmemleak.scan();
    const report = { object: lost, bytes: 131_072, cache: "", task: 0 };
    expect(kmemleak.scan()).toEqual([{ ...report, track: undefined }]);
  });

  test("hold what they point to, to their last word, as long as something points to them", () => {
    const { kernel, kmemleak } = watched();
    const large = kernel.kmalloc(65_536);
    const small = kernel.kzalloc(64);
    kernel.view32(large).fill(0);
    kernel.view32(large)[16_383] = small;
    kmemleak.notLeak(large);
    expect([kmemleak.scan(), kmemleak.scan()]).toEqual([[], []]);
    kmemleak.noScan(large);
    kmemleak.scan();
    expect(kmemleak.scan().map(({ object }) => object)).toEqual([small]);
  });
});

test("two checkers are told of the same object, whoever hands it out", () => {
  const options = { kernel: "7.1", kmemleak: true, memory: 16 * MIB } as const;
  const kernel = boot({ ...options, checker: ledgerBytes(16 * MIB) }, { change: withLedger });
  const { kmemleak } = kernel.debug;
  const object = kernel.kmallocNolock(900);
  kmemleak?.scan();
  expect(kmemleak?.scan().map((leak) => leak.object)).toEqual([object]);
  expect(new Ledger(systemOf(kernel).common).isLive(object)).toBe(true);
});

test("a kernel that was booted without kmemleak has none", () => {
  expect(boot({ cpus: 1, memory: 8 * MIB }).debug.kmemleak).toBeUndefined();
});
