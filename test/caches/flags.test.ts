import { describe, expect, test } from "vitest";
import {
  cacheCreateMask,
  DEBUG_METADATA_FLAGS,
  describeFlags,
  flagNames,
  flagsPermitted,
  parseFlags,
  SLAB_ACCOUNT,
  SLAB_FAILSLAB,
  SLAB_HWCACHE_ALIGN,
  SLAB_MEM_SPREAD,
  SLAB_RED_ZONE,
  SLAB_TYPESAFE_BY_RCU,
  UnknownFlagError,
} from "../../src/caches/flags.ts";
import { addBuildOption } from "../../src/cli/options/kernel.ts";
import { geometry } from "../../src/kernel/geometry.ts";
import { boot, systemOf } from "../../src/kernel/kernel.ts";
import { oracleRuns, readOracle } from "../oracle/files.ts";

describe("cache flags", () => {
  test("have the bits that real kernels report", () => {
    const runs = oracleRuns("geom");
    const { flag_bits } = readOracle<{ flag_bits: Record<string, string> }>(
      "geom",
      runs[0] as string,
    );
    const flags = Object.entries(flag_bits).filter(([name]) => name === name.toUpperCase());
    expect(flags.length).toBeGreaterThan(8);
    for (const [name, bits] of flags) expect(parseFlags("4.1", name)).toBe(Number(bits));
  });

  test("are read as numbers and as names, with and without SLAB_", () => {
    expect(parseFlags("4.1", 0x2400)).toBe(SLAB_HWCACHE_ALIGN | SLAB_RED_ZONE);
    expect(parseFlags("4.1", "0x2400")).toBe(SLAB_HWCACHE_ALIGN | SLAB_RED_ZONE);
    expect(parseFlags("4.1", "SLAB_HWCACHE_ALIGN,red_zone")).toBe(
      SLAB_HWCACHE_ALIGN | SLAB_RED_ZONE,
    );
    expect(parseFlags("4.1", "DESTROY_BY_RCU | HWCACHE_ALIGN")).toBe(
      SLAB_TYPESAFE_BY_RCU | SLAB_HWCACHE_ALIGN,
    );
    expect(parseFlags("4.1", "")).toBe(0);
  });

  test.each<["4.1" | "6.1", string | number, string]>([
    ["4.1", "HWCACHE_ALING", 'unknown flag "HWCACHE_ALING"'],
    ["4.1", "RED_ZONE,", 'unknown flag ""'],
    ["4.1", "ACCOUNT", 'unknown flag "ACCOUNT"'],
    ["6.1", "NOTRACK", 'unknown flag "NOTRACK"'],
    ["4.1", 0x1, "unknown flag bits 0x1"],
    ["4.1", 0x80000000, "unknown flag bits 0x80000000"],
    ["4.1", -1, "unknown flags -1"],
    ["4.1", 1.5, "unknown flags 1.5"],
  ])("%s has no %j", (kernel, given, message) => {
    expect(() => parseFlags(kernel, given)).toThrow(UnknownFlagError);
    expect(() => parseFlags(kernel, given)).toThrow(message);
  });

  test("are named as each kernel names them", () => {
    expect(describeFlags("4.1", 0x80100)).toEqual(["SLAB_DEBUG_FREE", "SLAB_DESTROY_BY_RCU"]);
    expect(describeFlags("6.1", 0x80100)).toEqual([
      "SLAB_CONSISTENCY_CHECKS",
      "SLAB_TYPESAFE_BY_RCU",
    ]);
    expect(flagNames("4.1")).not.toContain("SLAB_ACCOUNT");
  });

  test("outside the mask are dropped: what a kernel cannot do, a cache does not ask", () => {
    expect(cacheCreateMask({ allocator: "slub", kernel: "4.1" }) & SLAB_MEM_SPREAD).toBe(0);
    expect(cacheCreateMask({ allocator: "slab", kernel: "4.1" }) & DEBUG_METADATA_FLAGS).toBe(0);
    const config = ["DEBUG_SLAB", "MEMCG_KMEM"] as const;
    const mask = cacheCreateMask({ allocator: "slab", kernel: "6.1", config });
    expect(mask & DEBUG_METADATA_FLAGS).toBe(DEBUG_METADATA_FLAGS);
    expect(mask & SLAB_ACCOUNT).toBe(SLAB_ACCOUNT);
  });

  test("outside the permitted ones are refused by 6.1 only", () => {
    expect(flagsPermitted({ allocator: "slub", kernel: "4.1" }) & SLAB_FAILSLAB).not.toBe(0);
    expect(flagsPermitted({ allocator: "slub", kernel: "6.1" }) & SLAB_FAILSLAB).toBe(0);
  });
});

test.each([
  ["SLAB_FREELIST_HARDENED", "hardened"],
  ["CONFIG_SLAB_FREELIST_RANDOM", "randomized"],
  ["INIT_ON_ALLOC_DEFAULT_ON", "initOnAlloc"],
  ["INIT_ON_FREE_DEFAULT_ON", "initOnFree"],
])("the build option %s is refused with the name of the boot option, %s", (name, option) => {
  const config = [name] as never[];
  const why = `${name.replace("CONFIG_", "")} is set by the boot option ${option}`;
  expect(() => boot({ config })).toThrow(why);
  expect(geometry({ size: 64, config })).toEqual({ error: `config.0: ${why}` });
  expect(() => addBuildOption(name)).toThrow(/^It is set by --[a-z-]+, where a machine boots\.$/);
});

test.each([
  [false, true],
  [true, false],
])("with hardened %j a free object shows where the next one lies: %j", (hardened, shows) => {
  const kernel = boot({ kernel: "4.1", cpus: 1, hardened });
  const objects = [0, 0].map(() => kernel.kmalloc(64));
  for (const object of objects) kernel.kfree(object);
  const [next, last = 0] = objects;
  expect(systemOf(kernel).memory.read32(last) === next).toBe(shows);
});
