import { describe, expect, test } from "vitest";
import { slabtopScreen } from "../../src/report/slabtop.ts";
import { SORT_KEYS } from "../../src/report/slabtop-keys.ts";
import type { SlabinfoRow } from "../../src/sysfs/slabinfo.ts";

function row(name: string, size: number, activeObjs: number, numSlabs: number): SlabinfoRow {
  return {
    name,
    size,
    activeObjs,
    numObjs: numSlabs * 16,
    objectsPerSlab: 16,
    cacheOrder: size >= 512 ? 1 : 0,
    limit: 0,
    batchcount: 0,
    shared: 0,
    activeSlabs: numSlabs,
    numSlabs,
    sharedAvail: 0,
  };
}

const ROWS = [row("beta", 256, 40, 3), row("alpha", 512, 16, 1), row("idle", 64, 0, 0)];

/** Names of the caches, from the screen's first line of them on. */
const order = (key: string, lines = 10) =>
  slabtopScreen(ROWS, key, lines)
    .trimEnd()
    .split("\n")
    .slice(7)
    .map((line) => line.split(" ").at(-1));

describe("the screen of slabtop", () => {
  test("is made of these bytes", () => {
    expect(slabtopScreen(ROWS, "o", 2)).toBe(
      ` Active / Total Objects (% used)    : 56 / 64 (87.5%)
 Active / Total Slabs (% used)      : 4 / 4 (100.0%)
 Active / Total Caches (% used)     : 2 / 3 (66.7%)
 Active / Total Size (% used)       : 18.00K / 20.00K (90.0%)
 Minimum / Average / Maximum Object : 0.25K / 0.31K / 0.50K

  OBJS ACTIVE  USE OBJ SIZE  SLABS OBJ/SLAB CACHE SIZE NAME
    48     40  83%    0.25K      3       16        12K beta
    16     16 100%    0.50K      1       16         8K alpha
`,
    );
  });

  test("sorts by each key, names upwards and numbers downwards", () => {
    expect(order("n")).toEqual(["alpha", "beta", "idle"]);
    expect(order("u")).toEqual(["alpha", "beta", "idle"]);
    expect(order("s")).toEqual(["alpha", "beta", "idle"]);
    expect(order("p")[0]).toBe("alpha");
    for (const key of ["a", "c", "l", "o", "v"]) expect(order(key)[0]).toBe("beta");
    expect(Object.keys(SORT_KEYS).sort().join("")).toBe("abclnopsuv");
  });

  test("of a machine without objects has no size", () => {
    expect(slabtopScreen([], "o", 5)).toContain("Maximum Object : 0.00K / 0.00K / 0.00K");
  });
});
