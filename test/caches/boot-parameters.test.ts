import { describe, expect, test } from "vitest";
import {
  BootParameterError,
  DEFAULT_BOOT_PARAMETERS,
  type ParameterValue,
  parseBootParameters,
} from "../../src/caches/boot-parameters.ts";
import {
  DEBUG_DEFAULT_FLAGS,
  SLAB_CONSISTENCY_CHECKS as F,
  SLAB_POISON as P,
  SLAB_FAILSLAB,
  SLAB_NO_USER_FLAGS,
  SLAB_NOLEAKTRACE,
  SLAB_TRACE,
  SLAB_STORE_USER as U,
  SLAB_RED_ZONE as Z,
} from "../../src/caches/flags.ts";
import type { KernelVersion } from "../../src/caches/kernel-version.ts";
import { kmemCacheFlags, parseSlubDebug } from "../../src/caches/slub-debug.ts";
import { splitBootParameter } from "../../src/cli/options/kernel.ts";
import { boot } from "../../src/kernel/kernel.ts";

const parse = (params: Record<string, ParameterValue>) => parseBootParameters("4.1", params);

describe("boot parameters", () => {
  test("have the kernel's defaults", () => {
    expect(parse({})).toEqual(DEFAULT_BOOT_PARAMETERS);
  });

  test("are read as decimal, hexadecimal and octal numbers", () => {
    expect(parse({ slub_min_order: "2" }).slubMinOrder).toBe(2);
    expect(parse({ slub_min_objects: "0x10" }).slubMinObjects).toBe(16);
    expect(parse({ slub_min_objects: "010" }).slubMinObjects).toBe(8);
    expect(parse({ slub_min_objects: 1 }).slubMinObjects).toBe(1);
  });

  test("are clipped where the kernel clips them, and only there", () => {
    expect(parse({ slub_max_order: 99 }).slubMaxOrder).toBe(10);
    expect(parse({ slab_max_order: 99 }).slabMaxOrder).toBe(10);
    expect(parse({ slab_max_order: -5 }).slabMaxOrder).toBe(0);
    expect(parse({ slub_min_order: 99 }).slubMinOrder).toBe(99);
  });

  test.each(["slab_nomerge", "slub_nomerge"])(
    "%s is on with any value, as in the kernel",
    (name) => {
      for (const value of ["", true, null, "0"])
        expect(parse({ [name]: value }).slabNoMerge).toBe(true);
      expect(parse({ [name]: false }).slabNoMerge).toBe(false);
    },
  );

  test("noaliencache turns alien caches off", () => {
    expect(parse({}).useAlienCaches).toBe(true);
    expect(parse({ noaliencache: "" }).useAlienCaches).toBe(false);
  });

  test.each<[Record<string, ParameterValue>, string]>([
    [{ slub_maxorder: 1 }, 'unknown boot parameter "slub_maxorder"'],
    [{ toString: 1 }, 'unknown boot parameter "toString"'],
    [{ slub_max_order: "many" }, 'slub_max_order needs an integer, not "many"'],
    [{ slub_max_order: "" }, 'slub_max_order needs an integer, not ""'],
    [{ slub_max_order: 1.5 }, "slub_max_order needs an integer, not 1.5"],
    [{ slub_min_order: -1 }, "slub_min_order=-1: must not be negative"],
    [{ slub_min_objects: "09" }, 'slub_min_objects needs an integer, not "09"'],
    [{ slub_debug: 5 }, "slub_debug takes letters and cache names, not 5"],
  ])("%j is refused in one sentence", (params, message) => {
    expect(() => parse(params)).toThrow(BootParameterError);
    expect(() => parse(params)).toThrow(message);
  });

  test("that leave no room for any slab end the boot with the reason", () => {
    const parameters = { slub_min_order: 99 };
    expect(() => boot({ kernel: "4.1", cpus: 1, parameters })).toThrow(RangeError);
    expect(() => boot({ kernel: "4.1", cpus: 1, parameters })).toThrow(
      /^Creation of kmalloc slab kmalloc-\d+ /,
    );
  });

  test("are split at the first equals sign", () => {
    expect(splitBootParameter("slab_nomerge")).toEqual(["slab_nomerge", ""]);
    expect(splitBootParameter("slub_debug=P,a=b")).toEqual(["slub_debug", "P,a=b"]);
  });
});

/** Flags `slub_debug=text` gives a cache of that name. */
const given = (kernel: KernelVersion, text: string, name: string, flags = 0) =>
  kmemCacheFlags(kernel, parseSlubDebug(kernel, text), flags, name);

describe("slub_debug=", () => {
  test.each(["4.1", "6.1"] as const)(
    "%s: letters in either case, unknown ones passed over",
    (k) => {
      expect(given(k, "", "any")).toBe(F | Z | P | U);
      expect(given(k, "FZPU", "any")).toBe(F | Z | P | U);
      expect(given(k, "fzpu", "any")).toBe(F | Z | P | U);
      expect(given(k, "ta", "any")).toBe(SLAB_TRACE | SLAB_FAILSLAB);
      expect(given(k, "P!q", "any")).toBe(P);
      expect(given(k, "-", "any")).toBe(0);
      expect(parseSlubDebug(k, "FO")).toMatchObject({ flags: F, disableHigherOrderDebug: true });
      expect(parseSlubDebug(k, "F").disableHigherOrderDebug).toBe(false);
    },
  );

  test("4.1: one prefix, which reaches to the end of the parameter", () => {
    expect(given("4.1", "P,den", "dentry")).toBe(P);
    expect(given("4.1", "P,den", "inode_cache")).toBe(0);
    expect(given("4.1", ",den", "dentry")).toBe(DEBUG_DEFAULT_FLAGS);
    expect(given("4.1", "P,", "dentry")).toBe(P);
    expect(given("4.1", "P,den,inode", "dentry")).toBe(0);
    expect(given("4.1", "P,den*", "dentry")).toBe(0);
    expect(given("4.1", "P;Z", "dentry")).toBe(P | Z);
  });

  test("4.1: a leading dash turns all off, a later one is an unknown letter", () => {
    expect(given("4.1", "-P", "any")).toBe(0);
    expect(given("4.1", "P-", "any")).toBe(P);
  });

  test("6.1: names match whole, or up to a star", () => {
    expect(given("6.1", "P,dentry,inode_cache", "inode_cache")).toBe(P);
    expect(given("6.1", "P,dentry", "dentry2")).toBe(0);
    expect(given("6.1", "P,dentry", "den")).toBe(0);
    expect(given("6.1", "P,den*", "dentry")).toBe(P);
    expect(given("6.1", "P,*", "anything")).toBe(P);
    expect(given("6.1", ",dentry", "dentry")).toBe(DEBUG_DEFAULT_FLAGS);
    expect(given("6.1", "P,", "dentry")).toBe(0);
  });

  test("6.1: a block without names is for all, the last one wins", () => {
    expect(given("6.1", "F;Z", "any")).toBe(Z);
    expect(given("6.1", "FP-Z", "any")).toBe(Z);
    expect(given("6.1", ";;F;;", "any")).toBe(F);
    expect(given("6.1", ";", "any")).toBe(0);
  });

  test("6.1: the first list with the name replaces the flags for all", () => {
    expect(given("6.1", "F;P,dentry;Z,dentry", "dentry")).toBe(P);
    expect(given("6.1", "F;P,dentry;Z,dentry", "inode_cache")).toBe(F);
    expect(given("6.1", "P,dentry", "inode_cache")).toBe(0);
  });

  test("6.1: some caches are spared", () => {
    expect(given("6.1", "FU", "any", SLAB_NO_USER_FLAGS)).toBe(SLAB_NO_USER_FLAGS);
    expect(given("6.1", "FU", "any", SLAB_NOLEAKTRACE)).toBe(SLAB_NOLEAKTRACE | F);
    expect(given("6.1", "FU,any", "any", SLAB_NOLEAKTRACE)).toBe(SLAB_NOLEAKTRACE | F | U);
    expect(given("4.1", "FU", "any", SLAB_NOLEAKTRACE)).toBe(SLAB_NOLEAKTRACE | F | U);
  });
});
