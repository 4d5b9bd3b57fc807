import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { STAT_NAMES } from "../../src/slub/statistics.ts";

const program = fileURLToPath(new URL("../../bin/slablab.js", import.meta.url));

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

interface How {
  readonly nodeOptions?: readonly string[];
  readonly cwd?: string;
}

function slablab(args: readonly string[], { nodeOptions = [], cwd }: How = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const words = [...nodeOptions, program, ...args];
    execFile(process.execPath, words, { cwd }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
  });
}

const folder = await mkdtemp(join(tmpdir(), "slablab-"));
afterAll(() => rm(folder, { recursive: true }));

const short = ["stress", "--operations", "20000", "--nodes", "2", "--memory", "16M", "--seed", "3"];

test("--json prints exactly one document with all that is promised, and nothing else", async () => {
  const { code, stdout, stderr } = await slablab([...short, "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const document = JSON.parse(stdout);
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

test("the report for people has no escape codes where it is piped", async () => {
  const { code, stdout, stderr } = await slablab(short);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const part of ["slablab stress: mixed", "CPU 3", "Paths", "Locks:", "Memory:", "Checks"]) {
    expect(stdout).toContain(part);
  }
  expect(stdout).not.toContain("\u001b");
});

test("a broken allocator ends with 1, and leaves a scenario in the working directory", async () => {
  const torture = ["--interrupts", "0.001", "--migrations", "0.0005", "--seed", "5"];
  const args = ["stress", "--seconds", "100", "--mutation", "R10", ...torture, "--json"];
  const { code, stdout, stderr } = await slablab(args, { cwd: folder });
  const { failure } = JSON.parse(stdout);
  expect(code).toBe(1);
  expect(failure.command).toContain("--mutation R10");
  expect(stderr).toContain("slablab explore stress-5.txt --mutation R10");
  expect(await readdir(folder)).toContain("stress-5.txt");
});

test.each([
  [["--cpus", "0"], /cpus must be a whole number from 1 to 64/],
  [["--cpus", "99"], /cpus must be a whole number from 1 to 64/],
  [["--cpus", "many"], /must be a whole number/],
  [["--memory", "1M"], /memory must be/],
  [["--memory", "big"], /must be a size/],
  [["--memory", "3G"], /memory must be a whole number from \d+ to 2147418112/],
  [["--memory", "1900M"], /memory and ledger together may have 2147418112 bytes/],
  [["--nodes", "5"], /nodes must be a whole number from 1 to 4, not 5: a node has a CPU/],
  [["--workload", "sleep"], /no workload sleep; there are mixed, pairs/],
  [["--mutation", "X99"], /no mutation X99; name a .ts file, or one of\n[\s\S]*R04/],
  [["--interrupts", "2"], /probability from 0 to 1/],
  [["--seconds", "1", "--operations", "1"], /exclude each other/],
  [["--secnods", "1"], /unknown option '--secnods'[\s\S]*--seconds/],
])("stress %j is bad usage, with a clear line, for both allocators", async (args, says) => {
  for (const allocator of ["slub", "slab"]) {
    const { code, stdout, stderr } = await slablab(["stress", "--allocator", allocator, ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(says);
  }
});

test.each(["slub", "slab"])("Ctrl-C ends %s with the partial report and 130", async (allocator) => {
  const preload = join(folder, "interrupts.mjs");
  // As soon as somebody listens for Ctrl-C, it comes.
  await writeFile(
    preload,
    'process.on("newListener", (name) => { if (name === "SIGINT") setImmediate(() => process.emit("SIGINT")); });',
  );
  const args = ["stress", "--allocator", allocator, "--seconds", "60", "--memory", "16M"];
  const { code, stdout } = await slablab(args, { nodeOptions: ["--import", preload] });
  expect(code).toBe(130);
  expect(stdout).toContain("interrupted: this is what was done so far");
  expect(stdout).toContain("Checks");
});

test("--help shows the workloads and examples, --version the package's version", async () => {
  const help = await slablab(["stress", "--help"]);
  expect(help.code).toBe(0);
  expect(help.stdout).toContain("producer-consumer");
  expect(help.stdout).toContain("Examples:");
  const version = await slablab(["--version"]);
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const command = await slablab(["stres"]);
  expect(command.code).toBe(2);
  expect(command.stderr).toContain("Did you mean stress?");
});
