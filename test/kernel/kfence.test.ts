import { expect, test } from "vitest";
import type { KernelVersion } from "../../src/caches/kernel-version.ts";
import { KfenceMeta } from "../../src/caches/kfence/pool.ts";
import { audit } from "../../src/check/audit.ts";
import {
  type AllocatorName,
  attach,
  boot,
  GFP_KERNEL,
  type Kernel,
  MIB,
  SLAB_TYPESAFE_BY_RCU,
} from "../../src/kernel/index.ts";
import { systemOf } from "../../src/kernel/kernel.ts";

const KERNELS = [
  ["slub", "6.1"],
  ["slab", "6.1"],
  ["slub", "6.19"],
  ["slub", "7.1"],
] as const satisfies readonly (readonly [AllocatorName, KernelVersion])[];

interface Watched {
  readonly kernel: Kernel;
  readonly lines: string[];
  /** The first words of the reports so far. */
  types(): string[];
  /** Objects of a cache, all of them KFENCE's: one at the left edge of its page, one at the right edge. */
  edges(size: number): { readonly s: number; readonly left: number; readonly right: number };
  counter(name: string): number;
}

function watched(allocator: AllocatorName, version: KernelVersion, more = {}): Watched {
  const kernel = boot({
    cpus: 1,
    memory: 8 * MIB,
    allocator,
    kernel: version,
    kfence: { sampleInterval: 1, numObjects: 63, ...more },
  });
  const lines: string[] = [];
  kernel.debug.onConsole((line) => lines.push(line));
  const types = () => lines.flatMap((line) => /^BUG: KFENCE: (.*?) in /.exec(line)?.[1] ?? []);
  const edges = (size: number) => {
    const s = kernel.kmemCacheCreate(`edges-${size}`, size);
    const objects = Array.from({ length: 20 }, () => kernel.kmemCacheAlloc(s));
    const left = objects.find((object) => object % 4096 === 0) ?? 0;
    const right = objects.find((object) => object % 4096 === 4096 - size) ?? 0;
    return { s, left, right };
  };
  const counter = (name: string) =>
    Number(
      new RegExp(`^${name.replace(/[()]/g, "\\$&")}: (\\d+)$`, "m").exec(
        kernel.debug.kfence?.stats ?? "",
      )?.[1],
    );
  return { kernel, lines, types, edges, counter };
}

const GFP_DMA = 1;
const GFP_THISNODE = 0x40000;

const isGuarded = (kernel: Kernel, object: number) =>
  systemOf(kernel).common.kfence?.pool.has(object) ?? false;

test.each(KERNELS)("an access beyond a guarded object is out of bounds (%s, %s)", (...which) => {
  const { kernel, lines, types, edges } = watched(...which);
  const { left, right } = edges(64);
  const bytes = kernel.view8(right);
  bytes.fill(1);
  expect(types()).toEqual([]);
  bytes[64] = 1;
  expect(types()).toEqual(["out-of-bounds write"]);
  const at = (right + 64).toString(16).padStart(16, "0");
  expect(lines.find((line) => line.startsWith("Out-of-bounds"))).toMatch(
    new RegExp(`^Out-of-bounds write at 0x${at} \\(64B right of kfence-#\\d+\\):$`),
  );
  // The guard page is open from now on: one report of each.
  bytes[65] = 1;
  expect(types()).toHaveLength(1);
  const before = kernel.view8(left);
  expect(before[-1]).toBeUndefined();
  expect(types()[1]).toBe("out-of-bounds read");
  expect(lines.filter((line) => line.startsWith("Out-of-bounds"))[1]).toMatch(/\(1B left of/);
});

test.each(KERNELS)("an access to a freed object is a use after free (%s, %s)", (...which) => {
  const { kernel, types, edges } = watched(...which);
  const { s, left } = edges(128);
  const words = kernel.view32(left);
  kernel.kmemCacheFree(s, left);
  expect(types()).toEqual([]);
  words[3] = 7;
  expect(types()).toEqual(["use-after-free write"]);
  expect(kernel.debug.badAccesses).toBe(1);
});

test.each(KERNELS)("a write beside an object is seen when it is freed (%s, %s)", (...which) => {
  const { kernel, lines, types, edges } = watched(...which);
  const { s, left } = edges(64);
  // No view reaches it; a program's own view of the memory does.
  const all = new Uint8Array(kernel.shared.machine.memory.buffer);
  all[left + 64] = 0x42;
  all[left + 66] = 0x43;
  expect(types()).toEqual([]);
  kernel.kmemCacheFree(s, left);
  expect(types()).toEqual(["memory corruption"]);
  expect(lines.find((line) => line.startsWith("Corrupted"))).toContain(
    " [ 0x42 . 0x43 . . . . . . . . . . . . . ] (in kfence-#",
  );
});

test.each(KERNELS)(
  "a second free, and one inside of an object, do nothing (%s, %s)",
  (...which) => {
    const { kernel, types, edges } = watched(...which);
    const { s, left, right } = edges(64);
    kernel.kmemCacheFree(s, left);
    kernel.kfree(left);
    kernel.kfree(right + 8);
    expect(types()).toEqual(["invalid free", "invalid free"]);
    kernel.kmemCacheFree(s, right);
    expect(types()).toHaveLength(2);
    expect(audit(systemOf(kernel))).toEqual([]);
  },
);

test.each(KERNELS)(
  "every nth allocation of a CPU is guarded, and no other (%s, %s)",
  (...which) => {
    const { kernel } = watched(...which, { sampleInterval: 10 });
    // A cache's first object of 7.1 brings a sheaf along.
    kernel.kfree(kernel.kmalloc(100));
    const guarded = Array.from({ length: 100 }, () => {
      const object = kernel.kmalloc(100);
      kernel.kfree(object);
      return isGuarded(kernel, object);
    });
    const first = guarded.indexOf(true);
    expect(guarded).toEqual(guarded.map((_, i) => i % 10 === first));
  },
);

test("objects of other allocations have plain views", () => {
  const { kernel } = watched("slub", "6.1", { sampleInterval: 1000 });
  kernel.kmalloc(64);
  const object = kernel.kmalloc(64);
  expect(isGuarded(kernel, object)).toBe(false);
  // The language's Atomics refuse a stand-in.
  expect(Atomics.add(kernel.view32(object), 0, 1)).toBeDefined();
});

test("kmalloc, krealloc and ksize know how much was asked for", () => {
  const { kernel, types } = watched("slub", "6.1");
  const object = kernel.kmalloc(100);
  expect(isGuarded(kernel, object)).toBe(true);
  expect(kernel.view8(object)).toHaveLength(100);
  expect(kernel.ksize(object)).toBe(100);
  const grown = kernel.krealloc(object, 120);
  expect(grown).not.toBe(object);
  expect(kernel.krealloc(grown, 50)).toBe(grown);
  kernel.view8(grown, 120).fill(1);
  kernel.kfree(grown);
  expect(types()).toEqual([]);
  for (let i = 0; i < 70; i++) {
    const used = kernel.kzalloc(40);
    const bytes = kernel.view8(used);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    bytes.fill(1);
    kernel.kfree(used);
  }
});

test("what is too large, or of a zone, is skipped, and so is a cache that sysfs excludes", () => {
  const { kernel, counter } = watched("slub", "6.1");
  const incompatible = counter("skipped allocations (incompatible)");
  expect(isGuarded(kernel, kernel.kmalloc(5000))).toBe(false);
  const s = kernel.kmemCacheCreate("skipped", 64);
  const large = kernel.kmemCacheCreate("large", 4104);
  expect(isGuarded(kernel, kernel.kmemCacheAlloc(s, GFP_KERNEL | GFP_DMA))).toBe(false);
  expect(isGuarded(kernel, kernel.kmemCacheAlloc(large))).toBe(false);
  expect(counter("skipped allocations (incompatible)")).toBe(incompatible + 3);
  const file = systemOf(kernel).observer.attributes.get("skip_kfence");
  expect(file?.store?.(s, "1\n")).toBe(0);
  expect(file?.show?.(s)).toBe("1\n");
  expect(file?.store?.(s, "2\n")).toBeLessThan(0);
  expect(isGuarded(kernel, kernel.kmemCacheAlloc(s))).toBe(false);
  file?.store?.(s, "0\n");
  expect(isGuarded(kernel, kernel.kmemCacheAlloc(s))).toBe(true);
});

test("a request for one node is skipped since 6.19 where there are several", () => {
  const guarded = (["6.1", "6.19", "7.1"] as const).map((version) => {
    const options = { cpus: 2, nodes: 2, memory: 8 * MIB, kernel: version } as const;
    const kernel = boot({ ...options, kfence: { sampleInterval: 1, numObjects: 15 } });
    return isGuarded(kernel, kernel.kmallocNode(100, GFP_KERNEL | GFP_THISNODE, 1));
  });
  expect(guarded).toEqual([true, false, false]);
});

test("a pool that is nearly full takes no second object of one place", () => {
  const { kernel, counter } = watched("slub", "6.1", { numObjects: 15 });
  const allocateAt = (place: string): boolean => {
    systemOf(kernel).machine.witness = { stack: () => [place], milliseconds: () => 0 };
    return isGuarded(kernel, kernel.kmalloc(64));
  };
  const used = counter("currently allocated");
  const guarded = Array.from({ length: 15 }, () => allocateAt("here")).filter(Boolean);
  // Up to 75 % of 15, and the one that makes it more.
  expect(guarded).toHaveLength(12 - used);
  expect(counter("skipped allocations (covered)")).toBe(15 - guarded.length);
  expect(["there", "elsewhere", "at home"].map(allocateAt)).toEqual([true, true, true]);
  expect(allocateAt("far away")).toBe(false);
  expect(counter("skipped allocations (capacity)")).toBe(1);
});

test("bulk calls, kfree_rcu and objects under RCU go their ways", () => {
  const { kernel, types, counter } = watched("slub", "7.1");
  const s = kernel.kmemCacheCreate("typesafe", 64, { flags: SLAB_TYPESAFE_BY_RCU });
  const typesafe = kernel.kmemCacheAlloc(s);
  const view = kernel.view8(typesafe);
  kernel.run(() => {
    kernel.rcuReadLock();
    kernel.kmemCacheFree(s, typesafe);
    expect(view[0]).toBeDefined();
    expect(types()).toEqual([]);
    kernel.rcuReadUnlock();
  });
  kernel.rcuBarrier();
  expect(view[0]).toBeDefined();
  expect(types()).toEqual(["use-after-free read"]);
  const before = counter("total frees");
  kernel.kfreeRcu(kernel.kmalloc(64));
  kernel.rcuBarrier();
  expect(counter("total frees")).toBe(before + 1);
  const objects: number[] = [];
  const plain = kernel.kmemCacheCreate("plain", 64);
  expect(kernel.kmemCacheAllocBulk(plain, 8, objects)).toBe(8);
  expect(objects.filter((object) => isGuarded(kernel, object))).toHaveLength(1);
  kernel.kmemCacheFreeBulk(plain, 8, objects);
  expect(counter("total frees")).toBe(before + 2);
  expect(audit(systemOf(kernel))).toEqual([]);
});

test("an object whose cache is destroyed is a zombie, which no free brings back", () => {
  const { kernel, lines, types, counter, edges } = watched("slub", "6.1");
  const { s, left } = edges(64);
  const view = kernel.view8(left);
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
  expect(counter("zombie allocations")).toBe(20);
  expect(view[0]).toBeDefined();
  expect(types()).toEqual(["use-after-free read"]);
  expect(lines.find((line) => line.startsWith("kfence-#"))).toMatch(/cache=<destroyed>$/);
  expect(audit(systemOf(kernel))).toEqual([]);
});

test("a constructor makes each object that comes from the pool", () => {
  const { kernel, types } = watched("slub", "6.1");
  const ctor = kernel.registerConstructor((object) => {
    kernel.view32(object, 40).fill(7);
  });
  const s = kernel.kmemCacheCreate("constructed", 40, { ctor });
  const object = kernel.kmemCacheAlloc(s);
  expect(isGuarded(kernel, object)).toBe(true);
  expect(kernel.view32(object)[9]).toBe(7);
  expect(types()).toEqual([]);
});

test("another thread sees what this one has freed", () => {
  const { kernel, edges } = watched("slub", "6.1");
  const other = attach(kernel.shared);
  const { s, left } = edges(64);
  const view = other.view8(left);
  kernel.kmemCacheFree(s, left);
  view[5] = 1;
  expect([kernel.debug.badAccesses, other.debug.badAccesses]).toEqual([1, 1]);
});

test("with fault: panic, a report is an error", () => {
  const { kernel, edges } = watched("slub", "6.1", { fault: "panic" });
  const { right } = edges(64);
  expect(() => kernel.view8(right)[64]).toThrow("KFENCE: out-of-bounds read");
});

test("the audit sees an object that is in use and on the list", () => {
  const { kernel, edges } = watched("slub", "6.1");
  const { left } = edges(64);
  const { memory, common } = systemOf(kernel);
  const meta = common.kfence?.pool.metaOf(left) ?? 0;
  memory.write32(meta + KfenceMeta.state, 3);
  const found = audit(systemOf(kernel)).map(({ message }) => message);
  expect(found[0]).toMatch(/^kfence-#\d+ is free, and 0 times on the list$/);
  expect(found[1]).toMatch(/^kfence counts \d+ objects in use and has \d+$/);
  expect(found).toHaveLength(2);
});

test.each([
  [{ kernel: "4.1", kfence: true }, "Linux 4.1 has no KFENCE"],
  [{ kernel: "6.1", kfence: { numObjects: 16 } }, "one less than a power of two"],
  [{ kernel: "6.1", kfence: { sampleInterval: 0 } }, "sampleInterval"],
  [{ kernel: "6.1", kfence: { burst: 3 } }, "burst"],
] as const)("options %o are refused", (options, why) => {
  expect(() => boot(options as object)).toThrow(why);
});

test.each(["6.1", "7.1"] as const)("a report has the lines of %s", (version) => {
  const { kernel, lines, edges } = watched("slub", version);
  const { s, left } = edges(32);
  function letGo(): void {
    kernel.kmemCacheFree(s, left);
  }
  letGo();
  kernel.view32(left)[1] = 1;
  const at = (address: number) => `0x${address.toString(16).padStart(16, "0")}`;
  const ago = version === "6.1" ? "" : " \\(\\d+\\.\\d{6}s ago\\)";
  const shape = [
    "={66}",
    "BUG: KFENCE: use-after-free write in .*kfence\\.test\\.ts.*",
    "",
    `Use-after-free write at ${at(left + 4)} \\(in kfence-#\\d+\\):`,
    "( .*\\n)+",
    `kfence-#\\d+: ${at(left)}-${at(left + 31)}, size=32, cache=edges-32`,
    "",
    `allocated by task 0 on cpu 0 at \\d+\\.\\d{6}s${ago}:`,
    "( .*\\n)+",
    `freed by task 0 on cpu 0 at \\d+\\.\\d{6}s${ago}:`,
    " letGo .*",
    "( .*\\n)+",
    "CPU: 0 .*PID: 0 Comm: slablab Not tainted .*",
    "={66}",
    "$",
  ];
  expect(`${lines.join("\n")}\n`).toMatch(new RegExp(`^${shape.join("\\n")}`));
});

test("the files of debugfs read as the kernel's", () => {
  const { kernel, edges } = watched("slub", "6.1", { numObjects: 31 });
  edges(64);
  expect(kernel.debug.kfence?.stats.split("\n").map((line) => line.replace(/\d+$/, "N"))).toEqual([
    "enabled: N",
    "currently allocated: N",
    "total allocations: N",
    "total frees: N",
    "zombie allocations: N",
    "total bugs: N",
    "skipped allocations (incompatible): N",
    "skipped allocations (capacity): N",
    "skipped allocations (covered): N",
    "",
  ]);
  const objects = kernel.debug.kfence?.objects.split(`${"-".repeat(33)}\n`) ?? [];
  expect(objects).toHaveLength(32);
  expect(objects.filter((text) => /^kfence-#\d+ unused\n$/.test(text)).length).toBeGreaterThan(0);
  const named = objects.filter((text) => text.includes("cache=edges-64"));
  // Of one place the nearly full pool takes no more.
  expect(named.length).toBeGreaterThan(10);
});

test("a kernel that is booted without it has no pool", () => {
  const kernel = boot({ cpus: 1, memory: 8 * MIB, kernel: "6.1" });
  expect(systemOf(kernel).machine.checker).toBeUndefined();
  expect(kernel.debug.kfence).toBeUndefined();
  expect(systemOf(kernel).observer.attributes.has("skip_kfence")).toBe(false);
});
