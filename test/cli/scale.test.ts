import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const program = fileURLToPath(new URL("../../bin/slablab.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "slablab-scale-"));
afterAll(() => rmSync(folder, { recursive: true }));
const TINY = ["--allocators", "slub", "--workloads", "pairs", "--cpus", "1", "--sizes", "64"];

interface Run {
  code: number;
  out: string;
  err: string;
}

function slablab(...options: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, "scale", ...options], (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

/** A result whose only point has the given cost. */
function resultOf(text: string, ratio: number, noise: number): string {
  const result = JSON.parse(text);
  const nsPerOperation = { median: 10, p10: 10 - noise, p90: 10 + noise };
  result.points = [{ ...result.points[0], ratio, nsPerOperation }];
  const file = join(folder, `${ratio}.json`);
  writeFileSync(file, JSON.stringify(result));
  return file;
}

test("prints one JSON document with points, and exits by what a comparison finds", async () => {
  // A point needs one whole window; on a busy machine a longer run finds one.
  const options = [...TINY, "--seconds", "3", "--json", "--quiet"];
  const html = join(folder, "report.html");
  const { code, out } = await slablab(...options, "--html", html);
  expect(code).toBe(0);
  const result = JSON.parse(out);
  expect(result).toMatchObject({ schema: "slablab/scale/1", options: { cpus: [1] } });
  expect(result.points).toHaveLength(1);
  const [point] = result.points;
  expect(point).toMatchObject({ allocator: "slub", workload: "pairs", size: 64, cpus: 1 });
  expect(Object.keys(point)).toEqual(
    expect.arrayContaining([
      "nsPerOperation",
      "ratio",
      "operationsPerSecond",
      "scaling",
      "discarded",
    ]),
  );
  expect(readFileSync(html, "utf8")).toContain("slablab scale --allocators slub");

  const faster = await slablab(...options, "--compare", resultOf(out, 1e-6, 0.01));
  expect(faster.code).toBe(1);
  expect(JSON.parse(faster.out).comparison).toMatchObject({ slower: 1 });
  const slower = await slablab(...options, "--compare", resultOf(out, 1e6, 0.01));
  expect(slower.code).toBe(0);
});

function written(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const HEAD = '{"schema":"slablab/scale/1","points":';

test.each([
  ["null", "the document"],
  ["{}", "schema"],
  [`${HEAD}7}`, "points"],
  [`${HEAD}[{}]}`, "points.0.allocator"],
  [
    `${HEAD}[{"allocator":"slub","workload":"pairs","size":64,"cpus":1,"ratio":1}]}`,
    "points.0.nsPerOperation",
  ],
  [
    `${HEAD}[{"allocator":"slub","workload":"pairs","size":64,"cpus":1,"ratio":0}]}`,
    "points.0.ratio",
  ],
])("--compare refuses %s in one line that names %s", async (text, place) => {
  const file = written("earlier.json", text);
  const { code, err, out } = await slablab("--compare", file);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain(`error: ${file} is no result of slablab scale --json: ${place}: `);
  expect(err.trimEnd().split("\n")).toHaveLength(1);
});

test.each([
  [["--allocators", "slubb"], "Unknown: slubb. Known: slub, slab"],
  [["--workloads", "pears"], "Unknown: pears"],
  [["--cpus", "0"], "from 1 to 64"],
  [["--repeat", "0"], "--repeat must be 1 or more"],
  [["--compare", "/nowhere.json"], "cannot read /nowhere.json"],
  [["--compare", program], "cannot read"],
  [["--svg", program], "cannot write reports: "],
  [["--html", "/nowhere/report.html"], "cannot write reports: "],
])("refuses %j as bad usage, saying why", async (options, why) => {
  const { code, err, out } = await slablab(...options);
  expect(err).toContain(why);
  expect(out).toBe("");
  expect(code).toBe(2);
});
