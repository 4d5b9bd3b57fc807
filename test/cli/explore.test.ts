import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkout, interruptedAt, processOf, slablab } from "./commands.ts";

const folder = mkdtempSync(join(tmpdir(), "slablab-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string): string => join(folder, name);

const explore = (...args: string[]) => slablab(["explore", ...args, "--seed", "1", "--json"]);

test("explore reports how far it searched and exits with 0 when nothing fails", async () => {
  const { out, code } = await explore("interrupt-free", "--schedules", "600");
  const answer = JSON.parse(out);
  expect(answer).toMatchObject({
    schema: "slablab/explore/1",
    interrupted: false,
    failure: null,
    complete: { preemptions: 2 },
  });
  expect(answer.schedules).toBeGreaterThan(100);
  expect(code).toBe(0);
});

test.each([
  ["nothing could have failed, where no order can matter", [], 4, true],
  ["no such thing beside a failure", ["--mutation", "R46"], 1, false],
] as const)("explore says %s", async (_, more, code, says) => {
  const words = ["explore", "vector-in-own-slab", "--schedules", "1", "--seed", "1", ...more];
  const answer = await slablab(words);
  expect(answer.code).toBe(code);
  expect(answer.out.includes("nothing could have failed")).toBe(says);
});

test("Ctrl-C ends a search with its partial result and exit code 130", async () => {
  // When all bounds are done, samplers go on.
  const args = ["explore", "two-cpus", "--seconds", "250", "--json"];
  const { out, code } = await interruptedAt(/all with 2 preemptions pass/, args);
  expect(code).toBe(130);
  const answer = JSON.parse(out);
  expect(answer).toMatchObject({
    schema: "slablab/explore/1",
    interrupted: true,
    failure: null,
    complete: { preemptions: 2 },
  });
  expect(answer.schedules).toBeGreaterThanOrEqual(answer.complete.schedules);
});

test("Ctrl-C ends a search of all scenarios with a partial report", async () => {
  const args = ["explore", "all", "--seconds", "250", "--seed", "3"];
  const { out, code } = await interruptedAt(/[1-9][\d,]* schedules/, args);
  expect(code).toBe(130);
  expect(out).toMatch(
    /^[\d,]+ schedules of all in [\d.]+ s .*\n(complete: .*\n)?interrupted: .*\nseed 3\n$/,
  );
});

/** All but times and rates. */
function steady(out: string): unknown {
  const { seconds: _s, cpuSeconds: _c, environment: _e, ...timed } = JSON.parse(out);
  const { schedulesPerSecond: _r, schedulesPerCpuSecond: _p, ...rest } = timed;
  return rest;
}

test("explore with a seed and a number of schedules gives the same answer in each run", async () => {
  const runs: string[] = [];
  for (let i = 0; i < 3; i++) {
    const { out } = await explore("two-cpus", "--mutation", "R17", "--schedules", "400");
    runs.push(out);
  }
  const [first = "", ...others] = runs;
  for (const other of others) expect(steady(other)).toEqual(steady(first));
});

test("explore --no-prune runs more schedules to the same answer, and gives its rate per core", async () => {
  const bound = ["two-cpus", "--strategy", "bound", "--preemptions", "3"];
  const pruned = JSON.parse((await explore(...bound)).out);
  const whole = JSON.parse((await explore(...bound, "--no-prune")).out);
  expect([pruned.complete.preemptions, whole.complete.preemptions]).toEqual([3, 3]);
  expect(whole.complete.schedules).toBeGreaterThan(pruned.complete.schedules);
  const { schedules, cpuSeconds, schedulesPerCpuSecond } = whole;
  expect(schedulesPerCpuSecond).toBeCloseTo(schedules / cpuSeconds);
});

test("explore --strategy all needs no bound where it ends, and is refused where a task migrates", async () => {
  const all = ["--strategy", "all"];
  const { out, code } = await slablab(["explore", "free-and-take", ...all]);
  expect(out).toMatch(/complete: every interleaving passes \([\d,]+ schedules stand for all\)/);
  expect(code).toBe(0);
  const refused = await slablab(["explore", "migration-alloc", ...all]);
  expect(refused.err).toMatch(/may migrate again and again/);
  expect(refused.code).toBe(2);
});

test("a saved failure is replayed by its file and by its token, by another process as well", async () => {
  const saved = file("r07.json");
  const found = await explore("interrupt-alloc", "--mutation", "S01", "--out", saved);
  expect(found.code).toBe(1);
  const { failure } = JSON.parse(found.out);
  expect(failure).toMatchObject({ class: "double-allocation", preemptions: 1 });
  expect(existsSync(saved)).toBe(true);
  const replays = [
    await processOf(
      ["replay", "interrupt-alloc", failure.token, "--mutation", "S01"],
      "",
      checkout,
    ),
    await slablab(["replay", saved]),
  ];
  expect(replays[0]?.code).toBe(1);
  expect(replays[0]?.out).toBe(replays[1]?.out);
  expect(replays[0]?.out).toContain("A goes on");
  const timeline = async () =>
    JSON.parse((await slablab(["replay", saved, "--json"])).out).timeline;
  expect(await timeline()).toEqual(await timeline());
});

test("a failure that cannot be saved is shown all the same; a page that cannot be written is bad usage", async () => {
  const nowhere = join(file("no-folder"), "there");
  writeFileSync(file("no-folder"), "");
  const found = await explore("interrupt-alloc", "--mutation", "S01", "--out", nowhere);
  expect(found).toMatchObject({ code: 1, err: expect.stringContaining("is not saved: E") });
  const { token } = JSON.parse(found.out).failure;
  const args = ["replay", "interrupt-alloc", token, "--mutation", "S01", "--html", nowhere];
  const { out, err, code } = await slablab(args);
  expect({ out, code }).toEqual({ out: "", code: 2 });
  expect(err).toMatch(/^error: cannot write the page: E.*\n$/);
});

test("an exhibit is replayed without a token; what is no exhibit needs one", async () => {
  const page = file("r01.html");
  const { out, code } = await slablab(["replay", "R01", "--html", page]);
  expect(code).toBe(1);
  expect(out).toContain("FAILURE lost-object (2 preemptions");
  const text = readFileSync(page, "utf8");
  expect(text).toContain("R01: mm/slub: add missing TID updates on slab deactivation");
  expect(text).toContain("thisCpuCmpxchgDouble(cpuSlab, head, tid");
  const { err } = await slablab(["replay", "two-cpus"]);
  expect(err).toBe("error: a token, or a saved failure, is missing\n");
});

test("replay refuses a stale token and says what to do next", async () => {
  const saved = file("stale.json");
  await explore("interrupt-alloc", "--mutation", "S01", "--out", saved);
  const { token } = JSON.parse(readFileSync(saved, "utf8"));
  // The allocator as it is does other accesses than the broken one.
  const { err, code } = await slablab(["replay", "interrupt-alloc", token]);
  expect(code).toBe(2);
  expect(err).toContain("no longer fits the program");
  expect(err).toContain("Search again");
});

test("a scenario file with a typo names line and word", async () => {
  const scenario = file("typo.txt");
  writeFileSync(scenario, "scenario typo\ntask A cpu 0\n  aloc x\n");
  const { err, code } = await slablab(["explore", scenario]);
  expect(code).toBe(2);
  expect(err).toContain(`${scenario}:3: "aloc": unknown word`);
});

test("a scenario file is explored and replayed", async () => {
  const scenario = file("mine.txt");
  writeFileSync(
    scenario,
    "scenario mine\nsetup cpu 0\n  alloc a 4\ntask A cpu 0\n  alloc x\ninterrupt irq cpu 0\n  free a.0\n",
  );
  const { out, code } = await explore(scenario, "--mutation", "R04", "--schedules", "1000");
  expect(code).toBe(1);
  const { failure } = JSON.parse(out);
  expect(failure.token).toMatch(/^v1:mine/);
  const again = await slablab([
    "replay",
    scenario,
    failure.token,
    "--mutation",
    "R04",
    "--verbose",
  ]);
  expect(again.out).toContain("lost-object");
});

test.each([
  [["explore", "no-such"], "no scenario no-such"],
  [["explore", "two-cpus", "--mutation", "R99"], "no mutation R99"],
  [["replay", "two-cpus", "v1:two-cpus"], "four parts"],
  [["replay", "two-cpus"], "a token, or a saved failure, is missing"],
  [["museum", "run", "R99"], "no exhibit R99"],
])("%j is bad usage: %s", async (args, why) => {
  const { err, code } = await slablab(args);
  expect(code).toBe(2);
  expect(err).toContain(why);
});
