import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { point } from "../scale/points.ts";
import { processOf, program, slablab } from "./commands.ts";

const folder = mkdtempSync(join(tmpdir(), "slablab-scale-"));
afterAll(() => rmSync(folder, { recursive: true }));
const TINY = ["--allocators", "slub", "--workloads", "pairs", "--cpus", "1", "--sizes", "64"];

/** An earlier result whose only point has the given cost, and little noise. */
function resultOf(ratio: number): string {
  const nsPerOperation = { median: 10, p10: 9.99, p90: 10.01 };
  const points = [point({ ratio, nsPerOperation })];
  return written(`${ratio}.json`, JSON.stringify({ schema: "slablab/scale/1", points }));
}

// A point needs one whole window; on a busy machine a longer run finds one.
const measured = (...more: string[]) =>
  processOf(["scale", ...TINY, "--seconds", "3", "--json", "--quiet", ...more]);

test("scale prints one JSON document, writes a page, and exits with 0 when no point is slower", async () => {
  const html = join(folder, "report.html");
  const { code, out } = await measured("--compare", resultOf(1e6), "--html", html);
  expect(code).toBe(0);
  const result = JSON.parse(out);
  expect(result).toMatchObject({ schema: "slablab/scale/1", options: { cpus: [1] } });
  expect(result.comparison).toMatchObject({ slower: 0 });
  expect(result.points).toHaveLength(1);
  const [measuredPoint] = result.points;
  expect(measuredPoint).toMatchObject({ allocator: "slub", workload: "pairs", size: 64, cpus: 1 });
  expect(Object.keys(measuredPoint)).toEqual(
    expect.arrayContaining([
      "nsPerOperation",
      "ratio",
      "operationsPerSecond",
      "scaling",
      "discarded",
    ]),
  );
  expect(readFileSync(html, "utf8")).toContain("slablab scale --allocators slub");
});

test("scale exits with 1 when a point is slower than in an earlier result", async () => {
  const { code, out } = await measured("--compare", resultOf(1e-6));
  expect(code).toBe(1);
  expect(JSON.parse(out).comparison).toMatchObject({ slower: 1 });
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
])("scale --compare refuses %s in one line that names %s", async (text, place) => {
  const file = written("earlier.json", text);
  const { code, err, out } = await slablab(["scale", "--compare", file]);
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
])("scale refuses %j as bad usage and says why", async (options, why) => {
  const { code, err, out } = await slablab(["scale", ...options]);
  expect(err).toContain(why);
  expect(out).toBe("");
  expect(code).toBe(2);
});
