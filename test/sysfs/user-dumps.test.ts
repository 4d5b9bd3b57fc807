/**
 * Dumps of real machines, a few lines each with their source: what they say is read, and what only
 * debugging explains, or nothing, is told.
 */
import { describe, expect, test } from "vitest";
import { explain } from "../../src/sysfs/dump/explain.ts";
import { readDump, UnreadableDump } from "../../src/sysfs/dump/read.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (text: string) => readDump(bytes(text));
const explained = (text: string) => explain(read(text));

/** raspberrypi/linux issue 6549: Linux 6.6 on four CPUs. */
const RASPBERRY = `
skbuff_ext_cache       0      0    320   25    2 : tunables    0    0    0 : slabdata      0      0      0
skbuff_small_head      0     76    832   19    4 : tunables    0    0    0 : slabdata      4      4      0
skbuff_fclone_cache      0     25    640   25    4 : tunables    0    0    0 : slabdata      1      1      0
skbuff_head_cache    282    378    384   21    2 : tunables    0    0    0 : slabdata     18     18      0
kmalloc-1k           661    670   3072   10    8 : tunables    0    0    0 : slabdata     67     67      0
`;

/** manpages slabinfo(5): Linux 2.4. */
const LINUX_2_4 = `slabinfo - version: 1.1
kmem_cache            60     78    100    2    2    1
inode_cache         7005  14792    480 1598 1849    1
size-8192              1     17   8192    1   17    2
`;

/** coreos/bugs issue 2637: Linux 4.19. */
const SLABTOP = `
 Active / Total Objects (% used)    : 739390584 / 740008326 (99.9%)

  OBJS ACTIVE  USE OBJ SIZE  SLABS OBJ/SLAB CACHE SIZE NAME
734506368 734506368 100%    0.06K 11476662       64  45906648K ebitmap_node
328160  80830  24%    0.50K  10255       32    164080K kmalloc-512
 69442  36292  52%    2.00K   4341       16    138912K kmalloc-2048
 13148  12571  95%    7.50K   3287        4    105184K task_struct
`;

/** crash-utility/crash issue 218. */
const KMEM = `crash> kmem -s
CACHE             OBJSIZE  ALLOCATED     TOTAL  SLABS  SSIZE  NAME
ffff893b3dce8e00     1112         49      3741    129    32k  nfs_inode_cache
ffff890c47c0e800     2048      48835     58464   3654    32k  kmalloc-2048
kmem: NOTE: kmalloc-512: slab: fffff114bf91d800 oo objects: 64 slab objects: 0
kmem: kmalloc-512: cannot gather relevant slab data
ffff890c47c0ec00      512          ?         ?      ?    32k  kmalloc-512
`;

/** moby/moby issue 35545: a memory group's cache, some slabs of which are single pages. */
const OUT_OF_MEMORY = `
[8642044.803394] unregister_netdevice: waiting for lo to become free. Usage count = 1
[8643296.448116] SLUB: Unable to allocate memory on node -1 (gfp=0x20)
[8643296.448122]   cache: kmalloc-1024(1793:c8ede), object size: 1024, buffer size: 1024, default order: 3, min order: 0
[8643296.448125]   node 0: slabs: 663, objs: 20964, free: 0
`;

describe("a dump of a real machine", () => {
  test("lines of /proc/slabinfo without a header are read", () => {
    const { format, allocator, rows } = read(RASPBERRY);
    expect([format, allocator, rows.length]).toEqual(["/proc/slabinfo 2.1", "slub", 5]);
    expect(rows[4]).toMatchObject({ name: "kmalloc-1k", active: 661, total: 670, slabs: 67 });
  });

  test("a kmalloc cache larger than its name is what debugging makes of it", () => {
    const { debugged, unexplained, fits } = explained(RASPBERRY);
    expect(debugged).toEqual([
      { name: "kmalloc-1k", text: "3072 bytes, 10 a slab, order 3: slub_debug is on" },
    ]);
    expect(unexplained).toEqual([]);
    expect(fits[0]).toMatchObject({ kernel: "6.1", cpus: 4, mostCpus: 7, fitting: 5 });
  });

  test("shapes that no rule gives are told, with what would fit", () => {
    const row = (rest: string) => `odd 0 0 ${rest} : tunables 0 0 0 : slabdata 0 0 0`;
    const remarks = (rest: string) => explained(row(rest)).unexplained.map(({ text }) => text);
    expect(remarks("304 12 1")).toEqual([
      "304 bytes, 12 a slab, order 0: 13 fit into a slab of 4096 bytes",
    ]);
    expect(remarks("64 64 1")).toEqual([]);
    expect(remarks("64 512 8")).toEqual(["64 bytes, 512 a slab, order 3: the rules give order 0"]);
    const named = "kmalloc-64 0 0 1000 4 1 : tunables 0 0 0 : slabdata 0 0 0";
    expect(explained(named).unexplained[0]?.text).toContain("its name promises 64 bytes");
  });

  test("the columns of Linux 2.4 are those of version 1.1", () => {
    const { format, allocator, rows } = read(LINUX_2_4);
    expect([format, allocator]).toEqual(["/proc/slabinfo 1.1", "slab"]);
    expect(rows[1]).toMatchObject({ name: "inode_cache", size: 480, slabs: 1849, pagesPerSlab: 1 });
    const { caches, incomparable } = explained(LINUX_2_4);
    expect(caches[0]).toEqual({
      name: "inode_cache",
      bytes: 1849 * 4096,
      used: 7005 * 480,
      waste: 1849 * 4096 - 7005 * 480,
    });
    expect(incomparable).toContain("32 bits");
  });

  test("limit and batchcount changed places after version 2.0", () => {
    const line = "a 1 2 64 59 1 : tunables 60 120 8 : slabdata 1 1 0\n";
    expect(read(`slabinfo - version: 2.0\n${line}`).rows[0]?.tunables).toEqual([120, 60, 8]);
    expect(read(`slabinfo - version: 2.1\n${line}`).rows[0]?.tunables).toEqual([60, 120, 8]);
    expect(read(`slabinfo - version: 2.1 (statistics)\n${line}`).allocator).toBe("slab");
  });

  test("sizes that slabtop rounds are found by their shapes", () => {
    const { rows } = read(SLABTOP);
    expect(rows[0]).toMatchObject({ size: 64, pagesPerSlab: 1, objectsPerSlab: 64 });
    expect(rows[3]).toMatchObject({ size: 7680, pagesPerSlab: 8 });
    const { fits, small } = explained(SLABTOP);
    expect(fits[0]).toMatchObject({ allocator: "slub", kernel: "4.1", fitting: 4, cpus: 8 });
    expect(small).toEqual([
      { name: "kmalloc-2048", text: "1 of 4341 slabs are of order 0, not of order 3" },
    ]);
  });

  test("crash's list is read, also where a cache could not be gathered", () => {
    const { rows, unread } = read(KMEM);
    expect(rows.map(({ name, total }) => [name, total])).toEqual([
      ["nfs_inode_cache", 3741],
      ["kmalloc-2048", 58464],
      ["kmalloc-512", undefined],
    ]);
    expect(unread).toEqual([]);
  });

  test("reports of a kernel without memory tell smaller slabs", () => {
    const { allocator, rows } = read(OUT_OF_MEMORY);
    expect(allocator).toBe("slub");
    expect(rows).toHaveLength(1);
    const { small, fits } = explained(OUT_OF_MEMORY);
    expect(small[0]?.text).toBe("9 of 663 slabs are of order 0, not of order 3");
    expect(fits[0]).toMatchObject({ kernel: "4.1", fitting: 1 });
  });

  test("the table of the out-of-memory killer tells bytes", () => {
    const log = `Unreclaimable slab info:
Name                      Used          Total
kmalloc-64              100KB        128KB
RAWv6                    31KB         31KB
Out of memory: Killed process 1234 (stress)`;
    expect(explained(log).caches).toEqual([
      { name: "kmalloc-64", bytes: 131_072, used: 102_400, waste: 28_672 },
      { name: "RAWv6", bytes: 31_744, used: 31_744, waste: 0 },
    ]);
  });

  test("pages of other sizes are noticed", () => {
    const line = "task 0 0 9000 7 1 : tunables 0 0 0 : slabdata 0 0 0";
    expect(explained(line)).toMatchObject({ pageSize: 65_536, fits: [] });
  });

  test("/sys/kernel/slab is read from a tar file, links left out", () => {
    const cache = { object_size: "1024", slab_size: "3072", objs_per_slab: "10", order: "3" };
    const files = Object.entries({ ...cache, red_zone: "1", poison: "1", slabs: "7 N0=7" });
    const tar = files.map(([file, text]) => tarEntry(`sys/kernel/slab/kmalloc-1k/${file}`, text));
    const { rows, notes } = readDump(joined([...tar, tarEntry("sys/kernel/slab/alias", "", "2")]));
    expect(rows).toEqual([
      {
        name: "kmalloc-1k",
        size: 3072,
        objectSize: 1024,
        objectsPerSlab: 10,
        pagesPerSlab: 8,
        slabs: 7,
        debug: "ZP",
      },
    ]);
    expect(notes).toEqual(["1 links are other names of these caches"]);
    const grepped = files.map(([f, text]) => `/sys/kernel/slab/kmalloc-1k/${f}:${text}`).join("\n");
    expect(read(grepped).rows).toEqual(rows);
  });

  test("what is no dump is refused with one clause", () => {
    expect(() => read("hello\n")).toThrow(UnreadableDump);
    expect(() => read("")).toThrow("is empty");
    expect(() => read("slabinfo - version: 2.1\n# name\n")).toThrow("names no cache");
    expect(() => read("slabinfo - version: 2.1\nnonsense\n")).toThrow("line 2 is no row");
    expect(read(`${RASPBERRY}\ntruncated 12 3\n`).unread).toHaveLength(1);
  });
});

function tarEntry(name: string, content: string, type = "0"): Uint8Array {
  const header = new Uint8Array(512);
  const put = (at: number, text: string) => header.set(bytes(text), at);
  put(0, name);
  put(124, content.length.toString(8).padStart(11, "0"));
  put(156, type);
  put(257, "ustar");
  const body = new Uint8Array(Math.ceil(content.length / 512) * 512);
  body.set(bytes(content));
  return joined([header, body]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
