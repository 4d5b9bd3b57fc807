/** Scripts: commands, refusals, and the output of a run. */
import { describe, expect, test } from "vitest";
import { parseScript, ScriptError } from "../../src/sysfs/script/commands.ts";
import { runScript, type ScriptMachine } from "../../src/sysfs/script/run.ts";

const MACHINE: ScriptMachine = {
  allocator: "slub",
  kernel: "4.1",
  cpus: 1,
  nodes: 1,
  parameters: { slab_nomerge: true },
};

const idsOf = (line: string) => {
  const command = parseScript(line)[0]?.command;
  return command !== undefined && "ids" in command ? command.ids : [];
};

describe("a script", () => {
  test.each([
    ["F 7", [7]],
    ["FF 2 5", [2, 3, 4, 5]],
    ["FL 2 5", [5, 4, 3, 2]],
    ["FS 2 9 3", [2, 5, 8]],
    ["FF 5 2", []],
    ["BF 0 1", [0, 1]],
  ])("%s names these objects", (line, ids) => {
    expect(idsOf(line)).toEqual(ids);
  });

  test("FR is a permutation that follows from its seed", () => {
    const ids = idsOf("FR 0 39 12345");
    expect(ids).not.toEqual(idsOf("FF 0 39"));
    expect(ids).toEqual(idsOf("FR 0 39 12345"));
    expect([...ids].sort((a, b) => a - b)).toEqual(idsOf("FF 0 39"));
    expect(idsOf("FR 0 39 4294967295")).toHaveLength(40);
  });

  test.each([
    ["Z 1", "no such command"],
    ["A", "something is missing"],
    ["A x", "x is no number"],
    ["A -1", "-1 is no number"],
    ["A 1 2", '"2" is too much'],
    ["C a 64 0 zz 0", "zz are no flags"],
    ["C a 64 0 0 2", "2 is no number"],
    ["CX a 64 0 0 0 capacity=3", "capacity=3 is not one of sheaf_capacity=N, freeptr_offset=N"],
    ["CX a 64 0 0 0 sheaf_capacity", "sheaf_capacity is not one of"],
    ["CX a 64 0 0 0 sheaf_capacity=-1", "sheaf_capacity=-1 is not one of"],
    ["CX a 64 0 0 0 sheaf_capacity=16777217", "sheaf_capacity is no number from 0 to 16777216"],
    ["CX a 64 0 0 0 usersize=4294967296", "usersize is no number from 0 to 4294967295"],
    ["PS 0 2147483648", "2147483648 is no number"],
    ["ST x", "x is no number"],
  ])("with %s is refused as a whole, the line named", (line, why) => {
    expect(() => parseScript(`\n# first\n${line}`)).toThrow(ScriptError);
    expect(() => parseScript(`\n# first\n${line}`)).toThrow(`line 3: ${line}: ${why}`);
  });

  test.each([
    ["A 1", "there is no cache"],
    ["C a 64 0 0 0\nC b 64 0 0 0", "one cache at a time"],
    ["C a 64 0 0 0\nP 1", "no such CPU"],
    ["C a 9999999 0 0 0", "refuses to create"],
  ])("that cannot be run ends with the reason: %j", (script, why) => {
    expect(() => runScript(parseScript(script), MACHINE)).toThrow(why);
  });

  test.each([
    ["PS 0 1\nPS 0 1", "slot 0 holds a sheaf"],
    ["D\nCX b 64 0 0 0 freeptr_offset=8", "refuses to create"],
    ["D\nCX b 64 0 80000 0 freeptr_offset=12", "refuses to create"],
    ["D\nCX b 64 0 80000 0 freeptr_offset=64", "refuses to create"],
  ])("of a kernel with sheaves ends with the reason: %j", (script, why) => {
    const machine = { ...MACHINE, kernel: "7.1" } as const;
    expect(() => runScript(parseScript(`C a 64 0 0 0\n${script}`), machine)).toThrow(why);
  });

  test("meets no lock of a barn where the cache has no sheaves, and so no barn", () => {
    const script = parseScript("C a 1024 0 100 0\nA 1\nLB1\nNA 1\nNF 0 0\nLB0\nIW");
    const { steps } = runScript(script, { ...MACHINE, kernel: "7.1" });
    expect(steps.flatMap(({ ev }) => ev)).toEqual([
      ["N", 0, { objs: 8 }],
      ["A", 0, 0, 0, "n=0:1 np=1 ns=1 to=8"],
      ["A", 1, 0, 1, "n=0:2 np=1 ns=1 to=8"],
      ["F", 0, 0, 0, "n=0:2 np=1 ns=1 to=8"],
      ["IW", "n=0:1 np=1 ns=1 to=8"],
    ]);
  });

  test("skips a sheaf that was not prefilled, or was returned", () => {
    const script = parseScript("C a 64 0 0 0\nSA 0 1\nST 0\nPS 0 1\nST 0\nST 0\nSR 0 1\nPS 0 0");
    const { steps } = runScript(script, { ...MACHINE, kernel: "7.1" });
    expect(steps.map(({ ev }) => ev.filter(([kind]) => kind !== "N").length)).toEqual([
      0, 0, 0, 1, 1, 0, 0, 1,
    ]);
    expect(steps.at(-1)?.ev[0]?.slice(0, 4)).toEqual(["P", 0, 0, null]);
  });

  test("ends where a bulk call finds no memory, with no object numbered that is not there", () => {
    const machine = { ...MACHINE, allocator: "slab", kernel: "6.1" } as const;
    const script = parseScript("C a 4096 0 0 0\nB 40000");
    expect(() => runScript(script, machine)).toThrow("no memory is left");
  });

  test("may begin again after D, with numbers that go on", () => {
    const script = "C a 64 0 0 0\nA 2\nD\nC b 128 0 0 0\nA 1\nD";
    const { steps } = runScript(parseScript(script), MACHINE);
    expect(steps[4]?.ev[0]).toEqual(["N", 1, { objs: 32 }]);
    expect(steps[4]?.ev[1]?.slice(0, 4)).toEqual(["A", 2, 1, 0]);
  });

  test("shows no state between Q1 and Q0, and skips objects that are free already", () => {
    const script = "C a 64 0 0 0\nQ1\nA 1\nF 0\nF 0\nQ0\nF 0";
    const { steps } = runScript(parseScript(script), MACHINE);
    expect(steps[2]?.ev[1]).toEqual(["A", 0, 0, 0]);
    expect(steps[3]?.ev).toEqual([["F", 0, 0, 0]]);
    expect(steps[4]?.ev).toEqual([]);
    expect(steps[6]?.ev).toEqual([]);
  });

  test("a grace period passes after each operation, on one CPU as on several", () => {
    const script = "C a 2048 0 80000 0\nA 200\nFF 0 199";
    const gone = (cpus: number) =>
      runScript(parseScript(script), { ...MACHINE, cpus }).steps[2]?.ev.filter(
        ([kind]) => kind === "X",
      ).length;
    expect(gone(2)).toBeGreaterThan(0);
    expect(gone(1)).toBeGreaterThan(0);
  });
});
