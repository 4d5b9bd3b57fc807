import { describe, expect, test } from "vitest";
import { slablab } from "./commands.ts";

const sysfs = (...args: string[]) => slablab(["sysfs", ...args]);

describe("slablab sysfs", () => {
  test("lists directories and links, the files of a cache, and one file", async () => {
    expect((await sysfs()).out).toMatch(/^kmalloc-64 +-> :t-0000064$/m);
    const { out } = await sysfs("kmalloc-64", "--after", "mixed");
    expect(out).toMatch(/^slab_size +64\nobject_size +64\nobjs_per_slab +64\norder +0\n/);
    expect(out).toMatch(/^alloc_calls +error -38 \(ENOSYS\)$/m);
    expect((await sysfs("kmalloc-64", "objs_per_slab")).out).toBe("64\n");
  });

  test("writes a file and shows what became of it", async () => {
    expect((await sysfs("kmalloc-64", "order", "--write", "1")).out).toBe("1\n");
    const refused = await sysfs("kmalloc-64", "order", "--write", "9");
    expect(refused).toEqual({
      out: "",
      err: "error: kmalloc-64/order: error -22 (EINVAL)\n",
      code: 2,
    });
  });

  test("refuses what is not there", async () => {
    expect(await sysfs("absent")).toMatchObject({
      err: "error: there is no cache absent\n",
      code: 2,
    });
    expect(await sysfs("kmalloc-64", "absent")).toMatchObject({ code: 2, out: "" });
    expect(await sysfs("--allocator", "slab")).toMatchObject({ code: 2, out: "" });
  });
});
