import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { slablab } from "./commands.ts";

const folder = mkdtempSync(join(tmpdir(), "slablab-"));
afterAll(() => rmSync(folder, { recursive: true }));

function module(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const counter = (name: string, add: string) =>
  module(
    name,
    `
export const counter = {
  words: 1,
  object: (words: Int32Array) => ({ add(n: number) { ${add} }, read() { return Atomics.load(words, 0); } }),
  spec: () => { let sum = 0; return { add(n: number) { sum += n; }, read: () => sum }; },
  // True of these calls only; a part of them must not be judged by it.
  check: (words: Int32Array) => { if (words[0] !== 3) throw new Error("not 3"); },
  tasks: { one: [["add", 1], ["read"]], two: [["add", 2], ["read"]] },
};
`,
  );

const broken = counter("broken.explore.ts", "words[0] += n;");
const sound = counter("sound.explore.ts", "Atomics.add(words, 0, n);");

test("fuzz finds a failing program out of a module's calls, and writes it as a module that replays", async () => {
  const out = join(folder, "found.explore.ts");
  const words = ["fuzz", broken, "--programs", "30", "--seed", "1", "--out", out];
  const { out: said, code } = await slablab([...words, "--json"]);
  expect(code).toBe(1);
  const { failure } = JSON.parse(said);
  expect(failure.message).toContain("not linearizable");
  // Two additions, and a reading that shows what is lost: no call more than it needs.
  expect(Object.values(failure.tasks).flat()).toHaveLength(3);
  const replayed = await slablab(["replay", out, failure.token]);
  expect(replayed.out).toContain("not linearizable");
  expect((await slablab([...words, "--quiet"])).out).toContain(`replay: slablab replay ${out} v1:`);
});

test("fuzz of a sound module fails nothing, and says that this proves nothing more", async () => {
  const { out, code } = await slablab(["fuzz", sound, "--programs", "12", "--seed", "1"]);
  expect(out).toMatch(/^12 programs, [\d,]+ schedules\ncompletely explored: 12 with at most 2/);
  expect(out).toContain("no program fails");
  expect(code).toBe(0);
});

test.each([
  [
    "without a sequential object",
    () => [module("plain.ts", "export const a = { words: 1, tasks: { b: () => {} } };")],
    "exports nothing to fuzz",
  ],
  ["that is not there", () => [join(folder, "absent.ts")], "cannot be loaded"],
  ["with --allocator", () => [sound, "--allocator", "slab"], "--allocator is for the allocators"],
  ["with --queue", () => [sound, "--queue", "redis://a"], "--queue needs --programs and no --sec"],
])("fuzz of a module %s is refused with one line", async (_what, words, reason) => {
  const { err, out, code } = await slablab(["fuzz", ...words(), "--seed", "1"]);
  expect(err).toContain(reason);
  expect(err.trim().split("\n")).toHaveLength(1);
  expect([out, code]).toEqual(["", 2]);
  expect(existsSync("fuzz-1-0.explore.ts")).toBe(false);
});
