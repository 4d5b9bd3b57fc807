import { expect, test } from "vitest";
import { slablab } from "./commands.ts";

const top = (...args: string[]) => slablab(["top", ...args]);

test("slablab top --once prints one picture of a run in progress", async () => {
  const { out, err, code } = await top("--once", "--seconds", "2", "--sort", "n");
  expect([err, code]).toEqual(["", 0]);
  expect(out).toMatch(/^ Active \/ Total Objects \(% used\) +: [1-9]/);
  const names = [...out.matchAll(/^ +\d.* (\S+)$/gm)].map(([, name]) => name);
  expect(names).toContain("kmalloc-64");
  expect(names).toEqual([...names].sort());
});

test("slablab top refuses an unknown key, and SLUB of 6.1", async () => {
  for (const args of [
    ["--sort", "x"],
    ["--kernel", "6.1"],
  ]) {
    const { out, err, code } = await top(...args);
    expect(out).toBe("");
    expect(err).toMatch(/^error: .+\n$/);
    expect(code).not.toBe(0);
  }
});
