import { describe, expect, test } from "vitest";
import { Kmemleak } from "../../src/check/kmemleak.ts";
import { Ledger, ledgerBytes } from "../../src/check/ledger.ts";
import { withLedger } from "../../src/check/with-ledger.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { boot, type Kernel, MIB, systemOf } from "../../src/kernel/kernel.ts";

const MEMORY = 16 * MIB;

function watched(options: BootOptions = {}): { kernel: Kernel; kmemleak: Kmemleak } {
  const checker = ledgerBytes(MEMORY);
  const kernel = boot(
    { cpus: 2, nodes: 2, memory: MEMORY, checker, ...options },
    { change: withLedger },
  );
  const system = systemOf(kernel);
  return { kernel, kmemleak: new Kmemleak(system, new Ledger(system.common)) };
}

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
  expect(leak).toMatchObject({ object: lost, bytes: 128, cache: "kmalloc-128" });
  expect(leak?.track?.stack[0]).toMatch(/forgetful/);
});
