/** The recorded creations of real kernels, on a running machine: who becomes an alias of whom. */
import { describe, expect, test } from "vitest";
import {
  SLAB_HWCACHE_ALIGN,
  SLAB_NOLEAKTRACE,
  SLAB_RECLAIM_ACCOUNT,
} from "../../src/caches/flags.ts";
import { KmemCacheBase } from "../../src/caches/kmem-cache.ts";
import { boot, type Kernel, systemOf } from "../../src/kernel/kernel.ts";
import { collection, paramsOf, readOracle } from "../oracle/files.ts";

type Row = [
  name: string,
  size: number,
  align: number,
  flags: number,
  ctor: number,
  ...result: (string | number)[],
];

interface MergeRecord {
  slab_cmdline: string[];
  alias_of: Record<string, string>;
  rows: Row[];
}

interface DumpRecord {
  slabinfo: [name: string, ...unknown[]][];
  caches: Record<string, Record<string, number | string>>;
  alias_of: Record<string, string>;
}

const RUN = "k41slub-default";
const isOurs = (name: string) => name.startsWith("mrg");

/** Creates what the recorded kernel had before, oldest first, and each alias it had. */
function createOthers(kernel: Kernel, dump: DumpRecord): void {
  const older = dump.slabinfo.map(([name]) => name).filter((name) => !isOurs(name));
  const exist = new Set(
    systemOf(kernel)
      .common.caches()
      .map((s) => systemOf(kernel).common.nameOf(s)),
  );
  for (const name of older.reverse()) {
    const directory = dump.alias_of[name] ?? name;
    const shown = dump.caches[directory] ?? {};
    const flags =
      (shown.hwcache_align === 1 ? SLAB_HWCACHE_ALIGN : 0) |
      (shown.reclaim_account === 1 ? SLAB_RECLAIM_ACCOUNT : 0) |
      (directory.startsWith(":") ? 0 : SLAB_NOLEAKTRACE);
    const size = Number(shown.object_size);
    const align = Number(shown.align);
    if (!exist.has(name)) kernel.kmemCacheCreate(name, size, { align, flags });
    for (const [alias, target] of Object.entries(dump.alias_of)) {
      if (target !== directory || alias === name || isOurs(alias)) continue;
      kernel.kmemCacheCreate(alias, size, { align, flags });
    }
  }
}

describe(`creations on a machine that has what the recorded one had (${collection} collection)`, () => {
  const record = readOracle<MergeRecord>("merge", RUN);
  const dump = readOracle<DumpRecord>("dump", RUN);
  const create = (more: Record<string, string>) => {
    const parameters = { ...paramsOf(record.slab_cmdline), ...more };
    const kernel = boot({ kernel: "4.1", cpus: 1, parameters });
    const ctor = kernel.registerConstructor(() => undefined);
    createOthers(kernel, dump);
    const rows = record.rows.map(([name, size, align, flags, hasCtor]) => {
      const s = kernel.kmemCacheCreate(name, size, { align, flags, ctor: hasCtor ? ctor : 0 });
      const field = (offset: number) => systemOf(kernel).memory.read32(s + offset);
      return [
        systemOf(kernel).common.nameOf(s),
        field(KmemCacheBase.refcount),
        field(KmemCacheBase.objectSize),
        field(KmemCacheBase.size),
        field(KmemCacheBase.align),
      ];
    });
    return { kernel, rows };
  };

  test("all 52 end in the same caches with as many users", () => {
    expect(create({}).rows).toEqual(record.rows.map((row) => row.slice(5)));
  });

  test("every alias is a link to the directory of its target", () => {
    const names = systemOf(create({}).kernel).common.sysfsNames.names();
    const directories = new Map(names.filter((n) => !n.isLink).map((n) => [n.cache, n.name]));
    const links = names
      .filter((n) => n.isLink && isOurs(n.name))
      .map((n) => [n.name, directories.get(n.cache)]);
    expect(Object.fromEntries(links)).toEqual(record.alias_of);
  });

  test("the comparison sees slab_nomerge", () => {
    expect(create({ slab_nomerge: "" }).rows).not.toEqual(record.rows.map((row) => row.slice(5)));
  });
});
