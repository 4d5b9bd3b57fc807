/** /proc/slabinfo against what readers of it expect, and against recorded systems. */
import { describe, expect, test } from "vitest";
import { EINVAL, EIO } from "../../src/caches/errno.ts";
import { boot, systemOf } from "../../src/kernel/kernel.ts";
import { SpinLock } from "../../src/machine/spinlock.ts";
import { GFP_KERNEL } from "../../src/pages/gfp.ts";
import { readSlabinfo, writeSlabinfo } from "../../src/sysfs/slabinfo.ts";
import { collection, readOracle } from "../oracle/files.ts";

interface DumpRecord {
  slabinfo_columns: string[];
  slabinfo: [name: string, ...numbers: number[]][];
}

/** How procps reads a row: name, five numbers, three after tunables, three after slabdata. */
const PROCPS =
  /^(\S+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) : tunables +(\d+) +(\d+) +(\d+) : slabdata +(\d+) +(\d+) +(\d+)/;

function rows(text: string): [string, ...number[]][] {
  const lines = text.split("\n").slice(2, -1);
  return lines.map((line) => {
    const [, name = "", ...numbers] = PROCPS.exec(line) ?? [];
    return [name, ...numbers.map(Number)];
  });
}

describe.each(["slub", "slab"] as const)("/proc/slabinfo of %s", (allocator) => {
  test("has version 2.1, the columns of a real one, and a row for each cache, newest first", () => {
    const kernel = boot({ cpus: 2, allocator });
    const text = kernel.run(() => readSlabinfo(systemOf(kernel)));
    const [version, header = "", ...lines] = text.split("\n");
    expect(version).toBe("slabinfo - version: 2.1");
    const columns = [...header.matchAll(/<(\w+)>/g)].map(([, column]) => column);
    const { slabinfo_columns } = readOracle<DumpRecord>("dump", "k41slub-default");
    expect(["name", ...columns]).toEqual(slabinfo_columns);
    expect(text.endsWith("\n")).toBe(true);
    for (const line of lines.slice(0, -1)) expect(line).toMatch(PROCPS);
    const names = systemOf(kernel)
      .common.caches()
      .map((s) => systemOf(kernel).common.nameOf(s));
    expect(rows(text).map(([name]) => name)).toEqual(names);
  });

  test("is a line of these bytes", () => {
    const kernel = boot({ cpus: 1, allocator, kernel: "4.1" });
    const s = kernel.kmemCacheCreate("fresh", 5000, { align: 32 });
    kernel.kmemCacheAlloc(s);
    const line = kernel.run(() => readSlabinfo(systemOf(kernel))).split("\n")[2];
    expect(line).toBe(
      allocator === "slub"
        ? "fresh                  6      6   5024    6    8 : tunables    0    0    0 : slabdata      1      1      0"
        : "fresh                  1      1   5024    1    2 : tunables    8    4    0 : slabdata      1      1      0",
    );
  });

  test("counts every object once, wherever it lies", () => {
    const kernel = boot({ cpus: 2, allocator });
    const s = kernel.kmemCacheCreate("fresh", 1000, { flags: 0x8_0000 });
    const objects = Array.from({ length: 100 }, (_, i) =>
      kernel.run(() => kernel.kmemCacheAlloc(s), i % 2),
    );
    for (const object of objects.slice(0, 90)) kernel.kmemCacheFree(s, object);
    kernel.kmemCacheShrink(s);
    const [, active, total, , perSlab, , , , , activeSlabs, slabs] = rows(
      kernel.run(() => readSlabinfo(systemOf(kernel))),
    )[0] as [string, ...number[]];
    expect(active).toBe(10);
    expect(total).toBe(Number(slabs) * Number(perSlab));
    expect(activeSlabs).toBe(slabs);
  });
});

describe(`recorded systems (${collection} collection)`, () => {
  test.each([
    ["k41slub-default", "slub", "4.1"],
    ["k41slab-default", "slab", "4.1"],
    ["k61slab-default", "slab", "6.1"],
  ] as const)("%s: the rows of the kmalloc caches, but for what is in use", (run, allocator, v) => {
    const recorded = readOracle<DumpRecord>("dump", run).slabinfo;
    const kernel = boot({ cpus: 1, allocator, kernel: v });
    const ours = rows(kernel.run(() => readSlabinfo(systemOf(kernel))));
    const shape = (row: readonly (string | number)[]) => [row[0], ...row.slice(3, 9)];
    const kmalloc = recorded.filter(([name]) => name.startsWith("kmalloc-"));
    expect(kmalloc.length).toBeGreaterThan(10);
    for (const row of kmalloc) {
      const same = ours.find(([name]) => name === row[0]) ?? [];
      expect(shape(same)).toEqual(shape(row));
    }
  });
});

describe.each(["4.1", "6.1"] as const)("the statistics of DEBUG_SLAB, %s", (version) => {
  const debugged = (cpus: number, nodes = 1) =>
    boot({ cpus, nodes, allocator: "slab", kernel: version, config: ["DEBUG_SLAB"] });
  /** The columns behind slabdata, of the newest cache. */
  const statistics = (kernel: ReturnType<typeof boot>) =>
    kernel
      .run(() => readSlabinfo(systemOf(kernel)))
      .split("\n")[2]
      ?.replace(/^.* : globalstat/, "globalstat");

  test("are announced in the header, and kept by no other kernel", () => {
    const kernel = debugged(1);
    const [first, header = ""] = kernel.run(() => readSlabinfo(systemOf(kernel))).split("\n");
    expect(first).toBe("slabinfo - version: 2.1 (statistics)");
    expect(header.split(" : ").slice(3)).toEqual([
      "globalstat <listallocs> <maxobjs> <grown> <reaped> <error> <maxfreeable>" +
        " <nodeallocs> <remotefrees> <alienoverflow>",
      "cpustat <allochit> <allocmiss> <freehit> <freemiss>",
    ]);
    const plain = boot({ cpus: 1, allocator: "slab", kernel: version });
    expect(plain.run(() => readSlabinfo(systemOf(plain)))).not.toContain("stat");
  });

  test("count what happened to arrays, lists and slabs", () => {
    const kernel = debugged(1);
    // One object a slab, 8 in an array, moved by 4.
    const s = kernel.kmemCacheCreate("fresh", 5000);
    const objects = Array.from({ length: 10 }, () => kernel.kmemCacheAlloc(s));
    for (const object of objects) kernel.kmemCacheFree(s, object);
    expect(statistics(kernel)).toBe(
      "globalstat      10     10    10    0    0    4    0    0    0 : cpustat      0     10      9      1",
    );
    kernel.kmemCacheFree(s, kernel.kmemCacheAlloc(s));
    kernel.kmemCacheFree(s, kernel.kmemCacheAllocNode(s, GFP_KERNEL, 0));
    expect(statistics(kernel)).toMatch(/: cpustat {6}2 {5}10 {5}11 {6}1$/);
  });

  test("count what nodes do for each other, and the most objects of both", () => {
    const kernel = debugged(2, 2);
    const s = kernel.kmemCacheCreate("fresh", 5000);
    const take = (count: number, nid: number) =>
      kernel.run(
        () => Array.from({ length: count }, () => kernel.kmemCacheAllocNode(s, GFP_KERNEL, nid)),
        0,
      );
    const give = (objects: readonly number[]) =>
      kernel.run(() => {
        for (const object of objects) kernel.kmemCacheFree(s, object);
      }, 0);
    take(5, 0);
    const remote = take(13, 1);
    // The alien array holds 12.
    give(remote.slice(1));
    expect(statistics(kernel)?.split(/ +/)[9]).toBe("0");
    give(remote.slice(0, 1));
    // 6.1 takes the first object of a new slab without counting it.
    const nodeallocs = version === "4.1" ? 13 : 0;
    const [, listallocs, most, grown, , , , node, remotefrees, overflows] = (
      statistics(kernel) ?? ""
    ).split(/ +/);
    expect([listallocs, most, grown].map(Number)).toEqual([5, 18, 18]);
    expect([node, remotefrees, overflows].map(Number)).toEqual([nodeallocs, 13, 1]);
  });

  test("tell the slabs that the reaper took, but for those over the free limit", () => {
    const kernel = debugged(1);
    const s = kernel.kmemCacheCreate("fresh", 5000);
    const objects = Array.from({ length: 10 }, () => kernel.kmemCacheAlloc(s));
    for (const object of objects) kernel.kmemCacheFree(s, object);
    for (let jiffies = 0; jiffies < 60_000; jiffies += 100) {
      kernel.run(() => systemOf(kernel).allocator.tick(jiffies));
    }
    expect(rows(kernel.run(() => readSlabinfo(systemOf(kernel))))[0]?.[1]).toBe(0);
    // (1 + 1 CPU) * 4 + 1 free objects are kept; the tenth takes its slab along.
    expect(statistics(kernel)).toMatch(/^globalstat {6}10 {5}10 {4}10 {4}9 /);
  });

  test("tell the objects that were found damaged", () => {
    const kernel = debugged(1);
    systemOf(kernel).machine.console.sink = () => undefined;
    const s = kernel.kmemCacheCreate("fresh", 100);
    const object = kernel.kmemCacheAlloc(s);
    systemOf(kernel).memory.write8(object + 104, 0x12);
    kernel.kmemCacheFree(s, object);
    expect(statistics(kernel)?.split(/ +/)[5]).toBe("1");
  });
});

describe("writing /proc/slabinfo", () => {
  test("is -EIO with SLUB, whatever is written", () => {
    const kernel = boot({ cpus: 1 });
    for (const text of ["kmalloc-64 1 1 1", "absent 1 1 1", "nonsense", ""]) {
      expect(kernel.run(() => writeSlabinfo(systemOf(kernel), text))).toBe(-EIO);
    }
  });

  test("finds and tunes the cache under one hold of slab_mutex", () => {
    const kernel = boot({ cpus: 1, allocator: "slab" });
    const { memory, common } = systemOf(kernel);
    const acquired = () => memory.read32(common.slabMutex + SpinLock.acquired);
    kernel.run(() => {
      const before = acquired();
      expect(writeSlabinfo(systemOf(kernel), "kmalloc-64 30 10 2")).toBe(0);
      expect(acquired() - before).toBe(1);
    });
  });

  test("sets the queues of a SLAB cache", () => {
    const kernel = boot({ cpus: 2, allocator: "slab" });
    kernel.kmemCacheCreate("fresh", 40);
    const write = (text: string) => kernel.run(() => writeSlabinfo(systemOf(kernel), text));
    const tunables = () => rows(kernel.run(() => readSlabinfo(systemOf(kernel))))[0]?.slice(6, 9);
    expect(write("fresh 30 10 2\n")).toBe(0);
    expect(tunables()).toEqual([30, 10, 2]);
    expect(write("fresh 10 30 2")).toBe(0);
    expect(tunables()).toEqual([30, 10, 2]);
    expect(write("fresh 60-1 2")).toBe(0);
    expect(tunables()).toEqual([30, 10, 2]);
    expect(write("fresh 40  20 1 and more")).toBe(0);
    expect(tunables()).toEqual([40, 20, 1]);
    for (const wrong of ["fresh 30 10", "absent 30 10 2", "fresh a 10 2", "fresh\t30 10 2", ""]) {
      expect(write(wrong)).toBe(-EINVAL);
    }
  });
});
