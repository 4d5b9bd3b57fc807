import { describe, expect, test } from "vitest";
import { geometry } from "../../src/kernel/geometry.ts";

describe("a question about a geometry", () => {
  test("needs only a size; the rest is a 4.1 SLUB on one CPU", () => {
    const full = {
      allocator: "slub",
      kernel: "4.1",
      name: "",
      size: 192,
      align: 0,
      flags: 0,
      ctor: false,
      cpus: 1,
      possibleCpus: 1,
      nodes: 1,
      params: {},
      config: [],
    };
    expect(geometry({ size: 192 })).toEqual(geometry(full));
    const nulls = { size: 192, possibleCpus: null, params: null, config: null };
    expect(geometry(nulls)).toEqual(geometry(full));
  });

  test("is repeated in its answer, flags as a number", () => {
    const request = { size: 100, align: 16, flags: "HWCACHE_ALIGN", ctor: true };
    expect(geometry(request)).toMatchObject({ size: 100, align: 16, flags: 0x2000, ctor: 1 });
  });

  test.each([
    ["no size", {}, "size is missing"],
    ["size 0", { size: 0 }, "size must be at least 1, not 0"],
    ["a fractional size", { size: 8.5 }, "size must be a whole number, not 8.5"],
    ["a size in quotes", { size: "8" }, "size must be a number"],
    ["a size above all sizes", { size: 2 ** 31 }, "size must be at most 2147483647"],
    ["a negative align", { size: 8, align: -1 }, "align must be at least 0, not -1"],
    ["an unknown flag", { size: 8, flags: "FOO" }, 'unknown flag "FOO"'],
    ["an unknown flag bit", { size: 8, flags: 2 }, "unknown flag bits 0x2"],
    ["flags in a list", { size: 8, flags: [] }, "flags must be a number or flag names"],
    ["another allocator", { size: 8, allocator: "slob" }, 'allocator must be "slub" or "slab"'],
    [
      "an allocator that was removed",
      { size: 8, allocator: "slab", kernel: "7.1" },
      "Linux 7.1 has no SLAB, which was removed in 6.8",
    ],
    [
      "a struct that the kernel has not",
      { size: 8, args: {} },
      "args are members of struct kmem_cache_args, which 4.1 has not",
    ],
    [
      "no member of the struct",
      { size: 8, kernel: "7.1", args: { capacity: 4 } },
      "args.capacity is unknown; there are sheaf_capacity, freeptr_offset, useroffset, usersize",
    ],
    [
      "another kernel",
      { size: 8, kernel: "5.10" },
      'kernel must be "4.1" or "6.1" or "6.19" or "7.1"',
    ],
    ["no CPU", { size: 8, cpus: 0 }, "cpus must be at least 1, not 0"],
    ["fewer possible CPUs", { size: 8, cpus: 4, possibleCpus: 2 }, "possibleCpus must be at least"],
    ["an unknown field", { size: 8, sise: 8 }, 'unknown field "sise"'],
    ["an unknown parameter", { size: 8, params: { a: 1 } }, 'unknown boot parameter "a"'],
    ["a parameter in a list", { size: 8, params: { slub_debug: [] } }, "params.slub_debug must be"],
    ["parameters in no object", { size: 8, params: 7 }, "params must be an object"],
    ["an unknown build option", { size: 8, config: ["X"] }, 'config.0: "X" names no build option'],
    ["no object", 7, "a request is a JSON object with at least a size, not 7"],
    ["nothing", null, "a request is a JSON object with at least a size, not null"],
  ])("with %s is answered by one sentence and nothing else", (_what, request, message) => {
    const answer = geometry(request);
    expect(Object.keys(answer)).toEqual(["error"]);
    expect(answer).toEqual({ error: expect.stringContaining(message) });
  });

  test("that the kernel refuses is answered with null in the first column, and why", () => {
    const size = (1 << 22) + 1;
    expect(geometry({ size })).toMatchObject({
      slab_size: null,
      error: expect.stringMatching(/EINVAL/),
    });
    expect(geometry({ size, allocator: "slab" })).toMatchObject({
      buf_size: null,
      error: expect.stringMatching(/E2BIG/),
    });
    expect(geometry({ size, flags: "PANIC" })).toMatchObject({
      error: expect.stringMatching(/the kernel panics/),
    });
    expect(geometry({ size: 8, flags: "FAILSLAB", kernel: "6.1" })).toMatchObject({
      error: expect.stringMatching(/flags 0x2000000 are not permitted/),
    });
    const poisoned = { allocator: "slab", config: ["DEBUG_SLAB"], size: 8, flags: "RCU,POISON" };
    expect(geometry(poisoned)).toMatchObject({
      buf_size: null,
      error: expect.stringMatching(/BUG/),
    });
  });

  test("shows no flag whose option is not built in", () => {
    const params = { slub_debug: "AT" };
    expect(geometry({ size: 8, params })).toMatchObject({ out_flags: 0x200000 });
    const built = { size: 8, params, config: ["CONFIG_FAILSLAB"] };
    expect(geometry(built)).toMatchObject({ out_flags: 0x2200000 });
  });

  test("deals CPUs to nodes in equal blocks", () => {
    const limit = (cpus: number, nodes: number) =>
      (geometry({ allocator: "slab", size: 64, cpus, nodes }) as { free_limit: number }).free_limit;
    expect(limit(4, 2)).toBe(3 * 60 + 63);
    expect(limit(3, 2)).toBe(3 * 60 + 63);
    expect(limit(1, 2)).toBe(2 * 60 + 63);
  });
});
