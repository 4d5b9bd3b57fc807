import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { slablab } from "./commands.ts";

const slabinfo = (...args: string[]) => slablab(["slabinfo", ...args]);

describe("slablab slabinfo", () => {
  test("prints the raw file, the same every time", async () => {
    const first = await slabinfo("--after", "mixed", "--cpus", "2");
    expect([first.err, first.code]).toEqual(["", 0]);
    expect(first.out).toMatch(/^slabinfo - version: 2\.1\n# name /);
    expect(first.out).toMatch(/^stress-\d+ +[1-9]/m);
    expect((await slabinfo("--after", "mixed", "--cpus", "2")).out).toBe(first.out);
  });

  test("lists caches that have slabs", async () => {
    const { out } = await slabinfo("--after", "mixed", "--list");
    expect(out).toMatch(/^Name +Objects Objsize +Space Slabs\/Part\/Cpu +O\/S O %Fr %Ef Flg\n/);
    expect(out).toMatch(/^kmalloc-64 +128 +64 +8\.1K +0\/0\/2 +64 0 +0 100 $/m);
  });

  test("tells who shares a cache, what all use, and everything of one", async () => {
    expect((await slabinfo("--after", "mixed", "-a")).out).toBe(
      "kmalloc-192  <- kmalloc-192 stress-192\n",
    );
    expect((await slabinfo("-T")).out).toMatch(/^Slabcaches : +\d+ +Aliases +: +\d+->\d+/m);
    const { out } = await slabinfo("--after", "mixed", "-r", "kmalloc-64");
    expect(out).toMatch(/^Slabcache: kmalloc-64 +Aliases: +0 Order : +0 Objects: 128$/m);
    expect(out).toMatch(/^Fastpath +[1-9]/m);
  });

  test("writes other queue sizes first, and says which error the kernel has", async () => {
    const { out, code } = await slabinfo("--allocator", "slab", "--write", "kmalloc-64 60 30 4");
    expect(code).toBe(0);
    expect(out).toMatch(/^kmalloc-64 .* : tunables {3}60 {3}30 {4}4 : /m);
    const slub = await slabinfo("--write", "kmalloc-64 60 30 4");
    expect([slub.err, slub.code]).toEqual([
      'error: writing "kmalloc-64 60 30 4" to slabinfo: error -5 (EIO): SLUB has no queues that could be tuned, so Linux refuses every write\n',
      2,
    ]);
  });

  test("has the statistics of DEBUG_SLAB, as text and as numbers", async () => {
    const { out } = await slabinfo("--allocator", "slab", "--config", "DEBUG_SLAB", "--json");
    const { text, caches } = JSON.parse(out) as { text: string; caches: object[] };
    expect(text).toMatch(/^slabinfo - version: 2\.1 \(statistics\)\n/);
    expect(caches.at(-1)).toMatchObject({
      name: "kmem_cache",
      statistics: { error: 0, reaped: 0 },
    });
  });

  test("explains a dump of its own, or of a file, and refuses what is none with one line", async () => {
    const directory = mkdtempSync(join(tmpdir(), "slablab-"));
    const file = join(directory, "dump");
    const { out: own } = await slabinfo("--kernel", "6.1", "--cpus", "8");
    writeFileSync(file, own);
    const { out } = await slabinfo(file);
    expect(out).toMatch(/^\/proc\/slabinfo 2\.1, \d+ caches, SLUB\n/);
    expect(out).toMatch(/^ {2}SLUB of 6\.1 +(\d+) of \1 caches/m);
    writeFileSync(file, "hello\n");
    for (const args of [[file], [join(directory, "absent")], [file, "--cpus", "3"]]) {
      const refused = await slabinfo(...args);
      expect([refused.out, refused.code]).toEqual(["", 2]);
      expect(refused.err).toMatch(/^error: .+\n$/);
    }
    rmSync(directory, { recursive: true });
  });

  test("shows the machine's console", async () => {
    const { out } = await slabinfo("--dmesg");
    expect(out).toMatch(/\nConsole \(dmesg\)\n {2}SLUB: HWalign=64, Order=0-3/);
  });

  test("refuses an unknown cache, workload or kernel with one line", async () => {
    for (const args of [
      ["-r", "absent"],
      ["--kernel", "9.9"],
      ["--allocator", "slab", "-l"],
    ]) {
      const { out, err, code } = await slabinfo(...args);
      expect([out, code]).toEqual(["", 2]);
      expect(err).toMatch(/^error: .+\n$/);
    }
  });
});
