import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { processOf, slablab } from "./commands.ts";

const folder = mkdtempSync(join(tmpdir(), "slablab-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "a.script");

function script(args: string[], text: string) {
  writeFileSync(file, text);
  return slablab(["script", file, ...args]);
}

const SCRIPT = "C demo 256 0 0 0\nA 17\nF 3\nS end\nK\nD\n";

describe("slablab script", () => {
  test("prints one JSON document in the recorded runs' format", async () => {
    const { out, err, code } = await script(["--json"], SCRIPT);
    expect([err, code]).toEqual(["", 0]);
    const document = JSON.parse(out);
    expect(document.schema).toBe("slablab/script/1");
    expect(document.cache).toMatchObject({ size: 256, objs: 16, cpu_partial: 13 });
    expect(document.steps[1].ev[0]).toEqual(["N", 0, { objs: 16 }]);
    expect(document.steps[2].ev).toEqual([
      ["F", 3, 0, 3, "c=1:16:15 p=0:15 pc=1/1 n= np=0 ns=2 to=32"],
    ]);
    expect(document.steps[3].snap.alloc_slowpath).toBe("2 C0=2");
  });

  test("knows several CPUs, nodes, boot parameters and the other allocator", async () => {
    const numa = await script(["--cpus", "4", "--nodes", "2", "--param", "slub_debug=P"], SCRIPT);
    expect(numa.out).toContain("n0=0:1 np0=1 ns0=1 to0=31 n1= np1=0 ns1=0 to1=0");
    const slab = await script(["--allocator", "slab", "--kernel", "6.1"], SCRIPT);
    expect(slab.out).toContain("ac=");
  });

  test("hands objects out in random order with --randomized", async () => {
    const places = ({ out }: { out: string }): number[] =>
      JSON.parse(out).steps[1].ev.flatMap(([kind, , , index]: unknown[]) =>
        kind === "A" ? [Number(index)] : [],
      );
    const inOrder = places(await script(["--json"], SCRIPT));
    const random = places(await script(["--json", "--randomized"], SCRIPT));
    expect(random).not.toEqual(inOrder);
    expect(random.slice(0, 16).toSorted()).toEqual(inOrder.slice(0, 16).toSorted());
  });

  test("reads a script from standard input where its name is -", async () => {
    const { out, code } = await processOf(["script", "-"], SCRIPT);
    expect(code).toBe(0);
    expect(out).toMatch(/^cache size=256 /);
  });

  test("refuses a file that is not there with one clear line and exit code 2", async () => {
    const { out, err, code } = await slablab(["script", join(folder, "absent.script")]);
    expect({ out, code }).toEqual({ out: "", code: 2 });
    expect(err).toMatch(/^error: cannot read .+: ENOENT: .+\n$/);
  });

  test.each([
    [[], "C demo 256 0 0 0\nZ 1", "line 2: Z 1: no such command"],
    [[], "A 1", "there is no cache"],
    [["--cpus", "0"], SCRIPT, "cpus must be a whole number from 1"],
    [[], "C demo 256 0 0 0\nAN 1 1", "AN 1 1: this machine has no such node"],
    [["--allocator", "slab"], "C demo 256 0 0 0\nAN 1 1", "this machine has no such node"],
    [[], "C demo 256 0 0 0\nP 1", "P 1: this machine has no such CPU"],
    [[], "C demo 9999999 0 0 0", "the kernel refuses to create this cache"],
    [[], "C one 64 0 0 0\nC two 64 0 0 0", "C two 64 0 0 0: a script has one cache at a time"],
    [["--config", "DEBUG"], SCRIPT, "There are DEBUG_SLAB, "],
    [["--config", "SLAB_FREELIST_RANDOM"], SCRIPT, "It is set by --randomized"],
    [["--param", "slub_max=1"], SCRIPT, 'unknown boot parameter "slub_max"'],
  ])("%j refuses with one clear line and exit code 2", async (args, input, why) => {
    const { out, err, code } = await script(args, input);
    expect(out).toBe("");
    expect(err).toContain(why);
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(code).toBe(2);
  });
});
