import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

const counters = module(
  "counter.explore.ts",
  `
const check = (words: Int32Array) => {
  if (words[0] !== 2) throw new Error(\`2 increments give \${words[0]}\`);
};
const plain = (words: Int32Array) => { words[0] += 1; };
const atomic = (words: Int32Array) => { Atomics.add(words, 0, 1); };
export const lost = { words: 1, tasks: { one: plain, other: plain }, check };
export const kept = { words: 1, tasks: { one: atomic, other: atomic }, check };
export const limit = 5;
`,
);

test("explore searches each program that a module exports, and replay shows a token of one", async () => {
  const { out, code } = await slablab(["explore", counters, "--seed", "1", "--json"]);
  expect(code).toBe(1);
  const { programs } = JSON.parse(out);
  expect(programs).toMatchObject([
    { name: "kept", failure: null, complete: { preemptions: 2 } },
    { name: "lost", failure: { message: "Error: 2 increments give 1", preemptions: 1 } },
  ]);
  const [, lost] = programs;
  const page = join(folder, "lost.html");
  const replayed = await slablab(["replay", counters, lost.failure.token, "--html", page]);
  expect(replayed.code).toBe(1);
  expect(replayed.out).toContain("2 increments give 1");
  expect(readFileSync(page, "utf8")).toContain("words[0]");
});

test("explore prints the timeline and the command that replays it", async () => {
  const { out } = await slablab(["explore", counters, "--seed", "1", "--quiet"]);
  expect(out).toContain("schedules of kept");
  expect(out).toMatch(/replay: slablab replay \S+counter\.explore\.ts v1:lost:/);
});

test("a scenario over the allocators may be a module, too", async () => {
  const path = module(
    "mine.ts",
    `
import { alloc, free, interrupt, on, task } from "${new URL("../../src/laboratory/index.ts", import.meta.url)}";
export default {
  name: "mine", story: "An interrupt frees while a task allocates.", machine: {},
  setup: on(0, alloc("a", 4)),
  contexts: [task("A", 0, alloc("x")), interrupt("irq", 0, free("a.0"))],
};
`,
  );
  const { out, code } = await slablab(["explore", path, "--preemptions", "1", "--seed", "1"]);
  expect(out).toContain("complete: all");
  expect(code).toBe(0);
});

test.each([
  ["that is not there", () => join(folder, "absent.ts"), "cannot be loaded"],
  ["that exports no program", () => module("none.ts", "export const a = 1;"), "nothing to explore"],
  [
    "whose program is wrong",
    () => module("wrong.ts", "export const a = { tasks: {} };"),
    "either words or buffers",
  ],
  [
    "whose task is async",
    () => module("async.ts", "export const a = { words: 1, tasks: { b: async () => 1 } };"),
    '"b" is async',
  ],
])("a module %s is refused with one line", async (_what, path, reason) => {
  const { err, code, out } = await slablab(["explore", path(), "--seed", "1"]);
  expect(err).toContain(reason);
  expect(err.trim().split("\n")).toHaveLength(1);
  expect(out).toBe("");
  expect(code).toBe(2);
});

test("options that say what a scenario runs on are refused for a module", async () => {
  const { err, code } = await slablab(["explore", counters, "--kernel", "6.1"]);
  expect(err).toContain("--kernel is for scenarios");
  expect(code).toBe(2);
});

test("a token of no program of the module is refused", async () => {
  const { err, code } = await slablab(["replay", counters, "v1:other:1b02e1a1:0x1.1x2.0x1"]);
  expect(err).toContain("exports no program other");
  expect(code).toBe(2);
});
