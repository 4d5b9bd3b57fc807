import { describe, expect, test } from "vitest";
import { SLAB_CONSISTENCY_CHECKS, SLAB_STORE_USER } from "../../src/caches/flags.ts";
import type { KernelVersion } from "../../src/caches/kernel-version.ts";
import type { SlabReport } from "../../src/caches/slab-report.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { boot, type Kernel, MIB, systemOf } from "../../src/kernel/kernel.ts";

/** A cup and the cache of plates, and what the machine says. */
function setTable(options: BootOptions, flags = 0) {
  const lines: string[] = [];
  const reports: SlabReport[] = [];
  const kernel = boot({ cpus: 1, memory: 16 * MIB, ...options });
  systemOf(kernel).machine.console.sink = (line) => lines.push(line);
  kernel.debug.onReport((report) => reports.push(report));
  const cups = kernel.kmemCacheCreate("cups", 400, { flags });
  const plates = kernel.kmemCacheCreate("plates", 3000, { flags });
  return { kernel, lines, reports, cups, plates, cup: kernel.kmemCacheAlloc(cups) };
}

const texts = (lines: readonly string[], cup: number) =>
  lines.map((line) => line.replace(cup.toString(16).padStart(16, "0"), "CUP"));

const LATER: readonly KernelVersion[] = ["6.1", "6.19", "7.1"];

test.each(["4.1", ...LATER] as const)(
  "Linux %s would not notice an object of another cache without checks, so the call refuses it",
  (kernel) => {
    const table = setTable({ kernel });
    expect(() => table.kernel.kmemCacheFree(table.plates, table.cup)).toThrow(
      /Wrong slab cache\. plates but object 0x[0-9a-f]+ belongs to cups/,
    );
    table.kernel.kmemCacheFree(table.cups, table.cup);
    expect(table.lines).toEqual([]);
    expect(table.kernel.kmemCacheDestroy(table.cups)).toBe(0);
  },
);

function refuses({ kernel, plates }: { kernel: Kernel; plates: number }): void {
  expect(() => kernel.kmemCacheFree(plates, 0x7f_ff00)).toThrow(/Wrong slab cache|no object/);
  expect(() => kernel.kmemCacheFree(plates, Number.NaN)).toThrow(/NaN is no object/);
}

describe.each([
  ["consistency checks", {}, SLAB_CONSISTENCY_CHECKS],
  ["hardened free pointers", { hardened: true }, 0],
] as const)("with %s", (_, options, flags) => {
  test.each(["6.1", "6.19"] as const)(
    "Linux %s warns each time and frees the object to its own cache",
    (version) => {
      const { kernel, lines, reports, cups, plates, cup } = setTable(
        { kernel: version, ...options },
        flags,
      );
      kernel.kmemCacheFree(plates, cup);
      kernel.kmemCacheFree(plates, kernel.kmemCacheAlloc(cups));
      const said = "cache_from_obj: Wrong slab cache. plates but object is from cups";
      expect(lines.filter((line) => line === said)).toHaveLength(2);
      expect(reports.map(({ failure, message }) => [failure, message])).toEqual([
        ["wrong-slab", said],
        ["wrong-slab", said],
      ]);
      refuses({ kernel, plates });
      expect(kernel.kmemCacheDestroy(cups)).toBe(0);
    },
  );

  test("Linux 7.1 warns once and leaves the object where it is", () => {
    const { kernel, lines, reports, cups, plates, cup } = setTable(
      { kernel: "7.1", ...options },
      flags,
    );
    kernel.kmemCacheFree(plates, cup);
    kernel.kmemCacheFree(plates, cup);
    const said = texts(lines, cup).filter((line) => line.includes("different cache"));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(
      /^kmem_cache_free\(plates, .*\): object belongs to different cache cups$/,
    );
    expect(reports).toHaveLength(2);
    refuses({ kernel, plates });
    kernel.kmemCacheFree(cups, cup);
    expect(kernel.kmemCacheDestroy(cups)).toBe(0);
  });
});

test.each([
  ["6.1", "WARNING: CPU: 0 PID: 0 at mm/slub.c kmem_cache_free"],
  ["6.19", "WARNING: mm/slub.c at kmem_cache_free, CPU#0: slablab/0"],
] as const)("Linux %s tells with the warning who has allocated the object", (version, warning) => {
  const { kernel, lines, plates, cup } = setTable(
    { kernel: version },
    SLAB_CONSISTENCY_CHECKS | SLAB_STORE_USER,
  );
  kernel.kmemCacheFree(plates, cup);
  expect(lines.slice(0, 3)).toEqual([
    "------------[ cut here ]------------",
    "cache_from_obj: Wrong slab cache. plates but object is from cups",
    warning,
  ]);
  expect(lines.find((line) => line.startsWith("Allocated in setTable"))).toBeDefined();
});
