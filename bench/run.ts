/**
 * `npm run bench`: every target with what is measured now, once with V8's inlining limits raised, as
 * slablab's own threads have them, and once with V8's defaults, as a program sees that does nothing.
 * Each in a process of its own, since the limits are a process's.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { figure } from "../src/report/scale-text.ts";
import { columns } from "../src/report/text.ts";
import type { ScalePoint } from "../stress/scaling/point.ts";
import type { LeftOut } from "../stress/scaling/run.ts";
import { targetRows } from "../stress/scaling/targets.ts";
import { explorerCosts, KINDS } from "./explorer.ts";
import { outsideCosts, PAIRS } from "./outside.ts";

const PROGRAM = fileURLToPath(new URL("../bin/slablab.js", import.meta.url));
const COMMON = ["scale", "--quiet", "--json", "--repeat", "3", "--seconds", "0.3"];
/** The points that the targets speak of, and no others: allocators, workloads, sizes, CPUs. */
const PARTS = [
  "slub,slab,sheaves,slub-kmalloc,slab-kmalloc,slub-ledger,slub-no-statistics pairs 64 1",
  "slub pairs 64 2,8",
  "slub,slab,sheaves fifo,random,larson 64 1",
  "slub,slab bulk-16 256 1",
  "slub larson 64 2",
  "slub,nothing one-allocates 64 2",
];

/** What stands beside the native allocators. */
const BESIDE_WORKLOADS = ["pairs", "fifo", "random", "larson"];
const BESIDE_NATIVE = `slub,slab,sheaves ${BESIDE_WORKLOADS} 64 1`;

/** What a pair outside of `run` may cost, of one inside. */
const OUTSIDE_AT_MOST = 1.3;

interface Result {
  readonly points: readonly ScalePoint[];
  readonly leftOut: readonly LeftOut[];
  readonly discarded: number;
  readonly overloaded: boolean;
}

function measure(inlining: "raised" | "default"): Result {
  const results = PARTS.map((part) => measurePart(part, inlining));
  return {
    points: results.flatMap(({ points }) => points),
    leftOut: results.flatMap(({ leftOut }) => leftOut),
    discarded: Math.max(...results.map(({ discarded }) => discarded)),
    overloaded: results.some(({ overloaded }) => overloaded),
  };
}

function measurePart(part: string, inlining: string, ...more: readonly string[]): Result {
  process.stderr.write(`${part}, V8's inlining limits ${inlining}\n`);
  const [allocators, workloads, sizes, cpus] = part.split(" ");
  const chosen = Object.entries({ allocators, workloads, sizes, cpus, inlining });
  const flags = chosen.flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const stdout = execFileSync(process.execPath, [PROGRAM, ...COMMON, ...flags, ...more], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
    // What the command says about an overloaded machine is said once, below.
    stdio: ["ignore", "pipe", "ignore"],
  });
  return JSON.parse(stdout) as Result;
}

const raised = measure("raised");
const plain = measure("default");
const plainRows = targetRows(plain.points);
const rows = targetRows(raised.points).map((row, i) => [
  row.what,
  figure(row.measured ?? Number.NaN),
  figure(plainRows[i]?.measured ?? Number.NaN),
  row.atMost === undefined ? `>= ${row.atLeast}` : `<= ${row.atMost}`,
  row.unit,
  row.met === undefined ? "uncertain" : row.met ? "met" : "missed",
]);
process.stdout.write(columns(["target", "raised", "default", "aim", "", ""], rows));
const beside = measurePart(BESIDE_NATIVE, "raised", "--native");
const besideRows = [...Map.groupBy(beside.points, ({ allocator }) => allocator)].map(
  ([allocator, points]) => {
    const cost = (name: string) => points.find(({ workload }) => workload === name);
    const costs = BESIDE_WORKLOADS.map((name) => cost(name)?.nsPerOperation.median ?? Number.NaN);
    return [allocator, ...costs.map(figure), figure(points[0]?.casPair ?? Number.NaN)];
  },
);
const lacks = beside.leftOut.map(({ allocator, why }) => `${allocator}: ${why}\n`).join("");
process.stdout.write(
  `\nBeside native allocators, one CPU, 64 bytes, ns:\n${columns(["", ...BESIDE_WORKLOADS, "cas pair"], besideRows)}${lacks}`,
);
process.stderr.write("what the explorer costs\n");
const costs = await explorerCosts();
const costRows = KINDS.map((kind) => [kind, figure(costs.get(kind) ?? Number.NaN)]);
process.stdout.write(
  `\nSLUB's pair in a thread, of the cas pair; the explorer is paid for by who explores:\n${columns(["the thread has", "cost"], costRows)}`,
);
process.stderr.write("calls outside of run\n");
const outside = await outsideCosts();
const outsideRows = PAIRS.map((pair) => {
  const cost = outside.get(pair) ?? Number.NaN;
  return [pair, figure(cost), `<= ${OUTSIDE_AT_MOST}`, cost <= OUTSIDE_AT_MOST ? "met" : "missed"];
});
process.stdout.write(
  `\nA pair of calls outside of run, of one inside:\n${columns(["pair", "cost", "aim", ""], outsideRows)}`,
);
const lost = Math.max(raised.discarded, plain.discarded, beside.discarded);
process.stdout.write(
  `\n${(100 * lost).toFixed(0)} % of the windows, in the worst part, were preempted and thrown away.\n`,
);
if (raised.overloaded || plain.overloaded || beside.overloaded) {
  process.stdout.write(
    "This machine is overloaded: these figures are a hint, not a measurement.\n",
  );
}
