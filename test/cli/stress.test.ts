import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { STAT_NAMES } from "../../src/slub/statistics.ts";
import { interruptedAt, slablab } from "./commands.ts";

const folder = await mkdtemp(join(tmpdir(), "slablab-"));
afterAll(() => rm(folder, { recursive: true }));

const machine = ["--nodes", "2", "--memory", "16M", "--seed", "3"];
const short = ["stress", "--operations", "20000", ...machine, "--interrupts", "0"];

test("stress --json prints one document with every promised field, and nothing else", async () => {
  const { code, out, err } = await slablab([...short, "--json"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const document = JSON.parse(out);
  expect(document).toMatchObject({
    schema: "slablab/stress/1",
    environment: { node: process.versions.node },
    options: { cpus: 4, nodes: 2, memory: 16 * 2 ** 20, seed: 3, workload: "mixed" },
    checks: { ledger: "clean", audit: "clean", allCameBack: true },
    failure: null,
  });
  expect(Object.keys(document.stats)).toEqual([...STAT_NAMES]);
  expect(document.operations).toBeGreaterThanOrEqual(20_000);
  expect(document.operationsPerSecond).toBeCloseTo(document.operations / document.seconds, 3);
  expect(document.perCpu).toHaveLength(4);
});

test("the report of stress has no escape codes when it is piped", async () => {
  const { code, out, err } = await slablab(short);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  for (const part of ["slablab stress: mixed", "CPU 3", "Paths", "Locks:", "Memory:", "Checks"]) {
    expect(out).toContain(part);
  }
  expect(out).not.toContain("\u001b");
});

test("stress of a broken allocator exits with 1 and leaves a scenario in the working directory", async () => {
  const torture = ["--interrupts", "0.001", "--migrations", "0.0005", "--seed", "5"];
  const args = ["stress", "--seconds", "100", "--mutation", "R10", ...torture, "--json"];
  const home = process.cwd();
  process.chdir(folder);
  const { code, out, err } = await slablab(args).finally(() => process.chdir(home));
  const { failure } = JSON.parse(out);
  expect(code).toBe(1);
  expect(failure.command).toContain("--mutation R10");
  expect(err).toContain("slablab explore stress-5.txt --mutation R10");
  expect(await readdir(folder)).toContain("stress-5.txt");
});

test.each([
  [["--cpus", "0"], /cpus must be a whole number from 1 to 64/],
  [["--cpus", "99"], /cpus must be a whole number from 1 to 64/],
  [["--cpus", "many"], /must be a whole number/],
  [["--memory", "1M"], /memory must be/],
  [["--memory", "big"], /must be a size/],
  [["--memory", "3G"], /memory must be a whole number from \d+ to 2147418112/],
  [["--memory", "1900M"], /memory and checkers together may have 2147418112 bytes/],
  [["--nodes", "5"], /nodes must be a whole number from 1 to 4, not 5: a node has a CPU/],
  [["--workload", "sleep"], /no workload sleep; there are mixed, pairs/],
  [["--mutation", "X99"], /no mutation X99; name a .ts file, or one of\n[\s\S]*R04/],
  [["--interrupts", "2"], /probability from 0 to 1/],
  [["--seconds", "1", "--operations", "1"], /exclude each other/],
  [["--secnods", "1"], /unknown option '--secnods'[\s\S]*--seconds/],
])("stress %j is bad usage, with a clear line, for both allocators", async (args, says) => {
  for (const allocator of ["slub", "slab"]) {
    const { code, out, err } = await slablab(["stress", "--allocator", allocator, ...args]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(says);
  }
});

test("Ctrl-C ends a stress run of SLAB with a partial report and exit code 130", async () => {
  const args = ["stress", "--allocator", "slab", "--seconds", "60", "--memory", "16M"];
  const { code, out } = await interruptedAt(/[1-9]\d* operations/, args);
  expect(code).toBe(130);
  expect(out).toContain("interrupted: this is what was done so far");
  expect(out).toContain("Checks");
});

test("--help shows workloads and examples, --version the version, and a typo its correction", async () => {
  const help = await slablab(["stress", "--help"]);
  expect(help.code).toBe(0);
  expect(help.out).toContain("producer-consumer");
  expect(help.out).toContain("Examples:");
  const version = await slablab(["--version"]);
  expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/);
  const command = await slablab(["stres"]);
  expect(command.code).toBe(2);
  expect(command.err).toContain("Did you mean stress?");
});
