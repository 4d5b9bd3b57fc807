import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { slablab } from "./commands.ts";

const folder = mkdtempSync(join(tmpdir(), "slablab-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

let searches = 0;

/** The documents of all shards of a search, as files. */
async function shards(words: string[], of: number): Promise<string[]> {
  const search = searches++;
  const files: string[] = [];
  for (let index = 0; index < of; index++) {
    const { out, code, err } = await slablab([...words, "--shard", `${index}/${of}`, "--json"]);
    expect([code, err]).toEqual([0, ""]);
    files.push(write(`${search}-${index}.json`, out));
  }
  return files;
}

async function merged(files: string[]) {
  const { out, code } = await slablab(["merge", ...files, "--json"]);
  return { ...JSON.parse(out), code };
}

const program = write(
  "counter.explore.ts",
  `
const plain = (words: Int32Array) => { words[0] += 1; };
const check = (words: Int32Array) => { if (words[0] !== 2) throw new Error("lost"); };
export const lost = { words: 1, tasks: { one: plain, other: plain }, check };
export const kept = { words: 1, tasks: { one: plain, other: () => {} } };
`,
);

const saved = join(folder, "found.txt");

test.each([
  ["explore", [program, "--schedules", "100", "--seed", "1"]],
  ["museum", ["run", "R04", "R07"]],
])("slablab merge answers as %s %j in one process", async (command, words) => {
  const whole = await slablab([command, ...words, "--json"]);
  const { answer } = JSON.parse(whole.out);
  expect(answer).toMatch(/^[0-9a-f]{64}$/);
  const files = await shards([command, ...words], 2);
  const one = await merged(files);
  expect([one.answer, one.code]).toEqual([answer, whole.code]);
  const { out } = await slablab(["merge", ...files.reverse()]);
  expect(out).toMatch(new RegExp(`answer ${answer.slice(0, 12)}\n$`));
});

test("slablab merge of a fuzz saves the failing program, and answers as one process", async () => {
  const words = ["fuzz", "--programs", "4", "--seed", "4"];
  const broken = [...words, "--mutation", "S01"];
  const whole = JSON.parse((await slablab([...broken, "--out", saved, "--json"])).out);
  rmSync(saved);
  const files = await shards(broken, 2);
  const { out, code } = await slablab(["merge", ...files, "--out", saved]);
  expect(code).toBe(1);
  expect(out).toContain(`saved as ${saved}`);
  expect(out).toContain(`answer ${whole.answer.slice(0, 12)}`);
  expect(readFileSync(saved, "utf8")).toBe(whole.failure.scenario);
});

test("slablab merge of a module's fuzz saves the failing module, and answers as one process", async () => {
  const module = write(
    "calls.explore.ts",
    `
export const counter = {
  words: 1,
  object: (words: Int32Array) => ({ add() { words[0] += 1; }, read: () => words[0] }),
  spec: () => { let sum = 0; return { add() { sum++; }, read: () => sum }; },
  tasks: { one: [["add"], ["read"]], two: [["add"], ["read"]] },
};
`,
  );
  const out = join(folder, "failing.explore.ts");
  const words = ["fuzz", module, "--programs", "12", "--seed", "4"];
  const whole = JSON.parse((await slablab([...words, "--out", out, "--json"])).out);
  expect(whole.failure.message).toContain("not linearizable");
  const text = readFileSync(out, "utf8");
  rmSync(out);
  const files = await shards(words, 3);
  const said = await slablab(["merge", ...files, "--out", out]);
  expect(said.code).toBe(1);
  expect(said.out).toContain(`answer ${whole.answer.slice(0, 12)}`);
  expect(readFileSync(out, "utf8")).toBe(text);
});

test("shards of all scenarios merge to the same answer, however many there are", async () => {
  const words = ["explore", "all", "--allocator", "slab", "--kernel", "6.1"];
  const all = [...words, "--schedules", "300", "--seed", "1"];
  const one = await merged(await shards(all, 1));
  const two = await merged(await shards(all, 2));
  expect(one.scenarios.length).toBeGreaterThan(1);
  expect(two.answer).toBe(one.answer);
});

test("the lowest failing job is the answer: a shard after it may be missing, one before it not", async () => {
  // Jobs 2 and 3 of four fail.
  const words = ["explore", "R01", "--strategy", "pct", "--schedules", "60", "--seed", "4"];
  const { answer } = JSON.parse((await slablab([...words, "--json"])).out);
  const [zero = "", one = "", two = "", three = ""] = await shards(words, 4);
  expect((await merged([three, two, one, zero])).answer).toBe(answer);
  expect((await merged([zero, one, two])).answer).toBe(answer);
  const { err, code, out } = await slablab(["merge", zero, two, three]);
  expect(err).toBe("error: job 1 is missing: it is of shard 1/4\n");
  expect([out, code]).toEqual(["", 2]);
});

test("slablab merge refuses what are no shards of one search, each with one line", async () => {
  const words = ["explore", "interrupt-free", "--seed", "1"];
  const [mine = ""] = await shards([...words, "--schedules", "40"], 1);
  const document = JSON.parse(readFileSync(mine, "utf8"));
  const changed = (name: string, change: object): string =>
    write(name, JSON.stringify({ ...document, ...change }));
  const other = changed("other.json", { plan: { ...document.plan, dataRaces: true } });
  const old = changed("old.json", { source: "of another version" });
  const refusals = [
    [[mine, other], "are shards of different searches"],
    [[mine, old], "are from different versions of slablab"],
    [[write("half.json", '{ "schema":')], "is not JSON"],
    [[write("museum.json", "{}")], "is no result of --shard"],
    [[join(folder, "absent.json")], "cannot read"],
  ] as const;
  for (const [files, reason] of refusals) {
    const { err, out, code } = await slablab(["merge", ...files]);
    expect(err).toContain(reason);
    expect(err.trim().split("\n")).toHaveLength(1);
    expect([out, code]).toEqual(["", 2]);
  }
});

test.each([
  [["explore", "two-cpus", "--shard", "0/2"], "needs --json"],
  [["explore", "two-cpus", "--shard", "0/2", "--json"], "needs --seed"],
  [["explore", "two-cpus", "--shard", "0/2", "--json", "--seed", "1"], "needs --schedules"],
  [["explore", "two-cpus", "--shard", "2/2"], "from 0/N to N-1/N"],
  [["fuzz", "--shard", "0/2", "--json", "--seed", "1", "--seconds", "1"], "needs --programs"],
  [
    ["fuzz", "--shard", "0/2", "--json", "--seed", "1", "--programs", "8", "--seconds", "1"],
    "--seconds does not go with --shard",
  ],
  [["museum", "run", "--shard", "0/2"], "needs --json"],
  [["museum", "run", "--shard", "0/2", "--json", "--live"], "--live does not go with --shard"],
])("slablab %j is refused with one line", async (words, reason) => {
  const { err, out, code } = await slablab(words);
  expect(err).toContain(reason);
  expect(err.trim().split("\n")).toHaveLength(1);
  expect([out, code]).toEqual(["", 2]);
});
