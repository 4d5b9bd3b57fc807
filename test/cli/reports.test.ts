import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { slablab } from "./commands.ts";

const folder = mkdtempSync(join(tmpdir(), "slablab-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  vi.unstubAllEnvs();
});

let reports = 0;

/** The page and the JUnit file that a command writes. */
async function reported(words: string[], options = ["--html", "--junit"]) {
  const files = options.map((option) => [option, join(folder, `${reports++}`)] as const);
  const answer = await slablab([...words, ...files.flat()]);
  const [html = "", junit = ""] = ["--html", "--junit"].map((option) => {
    const file = files.find(([name]) => name === option)?.[1];
    return file === undefined ? "" : readFileSync(file, "utf8");
  });
  return { ...answer, html, junit };
}

const module = join(folder, "counter.explore.ts");
writeFileSync(
  module,
  `
const add = (words: Int32Array) => { words[0] += 1; };
const check = (words: Int32Array) => { if (words[0] !== 2) throw new Error("lost <one>"); };
export const lost = { words: 1, tasks: { one: add, other: add }, check };
export const kept = { words: 1, tasks: { one: add, other: () => {} } };
`,
);

/** One page alone: nothing that a browser would fetch. */
function standsAlone(html: string): void {
  expect(html).toMatch(/^<!doctype html>/);
  expect(html).toContain("prefers-color-scheme: dark");
  expect(html).not.toMatch(/(?:src|href)="(?!#)/);
}

test("explore writes a page with the failing schedule to step through, and JUnit XML", async () => {
  const { html, junit, code } = await reported([
    "explore",
    "R04",
    "--schedules",
    "400",
    "--seed",
    "1",
  ]);
  expect(code).toBe(1);
  standsAlone(html);
  expect(html).toContain("R04 fails: lost-object");
  expect(html).toContain('<section class="schedule"');
  expect(html).toMatch(/<pre>slablab replay R04 v1:[^<]+<\/pre>/);
  expect(junit).toContain('tests="1" failures="1"');
  expect(junit).toContain('<failure type="lost-object"');
});

test("explore of a module has a result for each program, named by the module's file", async () => {
  const { html, junit } = await reported(["explore", module, "--seed", "1"]);
  expect(junit).toContain('tests="2" failures="1"');
  expect(junit).toContain(`name="lost" file="${module}"`);
  expect(junit).toContain('message="Error: lost &lt;one&gt;"');
  expect(html).toContain("lost &lt;one>");
  expect(html).toContain('<section class="schedule"');
});

test("explore of several scenarios has a result for each, also where nothing is proven", async () => {
  const words = ["explore", "all", "--allocator", "slab", "--kernel", "6.1"];
  const { html, junit, code } = await reported([...words, "--schedules", "4", "--seed", "1"]);
  expect(code).toBe(4);
  expect(html).toContain("nothing is proven");
  expect(junit).toMatch(/name="slab-cpu-offline" time="[\d.]+">\n +<skipped message="not complete/);
});

test("museum run writes a page of its proofs, with the stories", async () => {
  const { html, junit } = await reported(["museum", "run", "R04"]);
  standsAlone(html);
  expect(html).toContain("1 of 1 proven");
  expect(html).toContain("commit 73736e0387ba");
  expect(junit).toContain('name="R04 slub: fix a possible memleak');
  expect(junit).toContain('failures="0"');
});

test("stress writes a page of what its CPUs did, and JUnit XML", async () => {
  const small = ["--operations", "2000", "--cpus", "2", "--memory", "16M", "--seed", "1"];
  const { html, junit } = await reported(["stress", ...small]);
  standsAlone(html);
  expect(html).toContain("clean: every object was watched");
  expect(html.match(/<meter /g)).toHaveLength(2);
  expect(html).toContain("alloc_fastpath");
  expect(junit).toContain('name="mixed on slub of 4.1"');
});

test("replay and fuzz write JUnit XML, too", async () => {
  const replayed = await reported(["replay", "R04"], ["--junit"]);
  expect(replayed.junit).toContain('<failure type="lost-object"');
  const words = ["fuzz", "--programs", "2", "--preemptions", "0", "--seed", "1"];
  expect((await reported(words, ["--junit"])).junit).toContain('name="slub of 4.1"');
});

test("a workflow of GitHub Actions gets annotations on standard error, and a clean document", async () => {
  vi.stubEnv("GITHUB_ACTIONS", "true");
  const { out, err } = await slablab(["explore", module, "--seed", "1", "--json"]);
  expect(JSON.parse(out).programs).toHaveLength(2);
  expect(err).toMatch(
    /^::error file=\S+counter\.explore\.ts,title=slablab explore lost%3A exception::Error: lost <one>%0Aslablab replay .*\n$/,
  );
});

test.each([
  ["explore", "two-cpus"],
  ["museum", "run"],
  ["stress", "--seconds", "100"],
])("slablab %s says at once that a report cannot be written", async (...words) => {
  const file = join(folder, "absent", "report");
  for (const option of ["--html", "--junit"]) {
    const { err, out, code } = await slablab([...words, option, file]);
    expect(err).toMatch(/^error: cannot write \S+: ENOENT.*\n$/);
    expect([out, code]).toEqual(["", 2]);
  }
  expect(existsSync(file)).toBe(false);
});
