// SPDX-License-Identifier: GPL-2.0-only
/** The pictures of a measurement: the points that each shows, and its specification. */
import type { TopLevelSpec } from "vega-lite";
import { USUAL_SIZE } from "../../stress/scaling/plan.ts";
import { PERCENTILES, type ScalePoint } from "../../stress/scaling/point.ts";

export interface Plot {
  /** Name of its file, without .svg. */
  readonly name: string;
  readonly title: string;
  /** One sentence for the reader: the feature to look for. */
  readonly reading: string;
  readonly spec: TopLevelSpec;
}

const WIDTH = 620;
const HEIGHT = 300;
/** A percentage of fewer acquisitions says nothing. */
const FEWEST_TAKEN = 1000;
/** Compared with allocators it would only squeeze their scale. */
const NO_ALLOCATOR = "nothing";

interface Axis {
  field: string;
  type: "quantitative";
  title: string;
  scale: { type: "log"; base?: number };
  axis?: { values: number[]; format: string };
}

const allocator = { field: "allocator", type: "nominal", title: null, sort: null } as const;

/** Those for which the points suffice. */
export function plotsOf(points: readonly ScalePoint[]): Plot[] {
  const real = points.filter((point) => point.allocator !== NO_ALLOCATOR);
  return [
    throughput(real, "pairs", "Throughput of each CPU's own pairs"),
    throughput(real, "larson", "Throughput of larson"),
    costBySize(real, "pairs"),
    costBySize(real, "fifo"),
    bulk(real),
    latency(real),
    crossing(real),
    contention(real),
  ].flatMap((plot) => plot ?? []);
}

function throughput(points: readonly ScalePoint[], workload: string, title: string) {
  const shown = points.filter((point) => point.workload === workload && point.size === USUAL_SIZE);
  const counts = new Set(shown.map(({ cpus }) => cpus));
  if (counts.size < 2) return undefined;
  // By cost where each CPU has a core, so that the rest of the machine's load does not show.
  const values = shown.map(({ allocator, cpus, oversubscribed, nsPerOperation, ...point }) => ({
    allocator,
    cpus,
    millions: oversubscribed
      ? point.operationsPerSecond / 1e6
      : (1000 * cpus) / nsPerOperation.median,
  }));
  const best = Math.max(...values.filter(({ cpus }) => cpus === 1).map(({ millions }) => millions));
  const ideal = [...counts].map((cpus) => ({ cpus, millions: cpus * best }));
  const x = {
    field: "cpus",
    type: "quantitative",
    title: "simulated CPUs",
    scale: { type: "log", base: 2 },
    axis: { values: [...counts], format: "d" },
  } satisfies Axis;
  const y = {
    field: "millions",
    type: "quantitative",
    title: "million operations a second",
    scale: { type: "log" },
  } satisfies Axis;
  const spec: TopLevelSpec = {
    ...{ width: WIDTH, height: HEIGHT },
    layer: [
      {
        data: { values: Number.isFinite(best) ? ideal : [] },
        mark: { type: "line", strokeDash: [4, 4], color: "#7a7f87" },
        encoding: { x, y },
      },
      {
        data: { values },
        mark: { type: "line", point: { size: 50 }, strokeWidth: 2 },
        encoding: { x, y, color: allocator },
      },
    ],
  };
  return {
    name: `throughput-${workload}`,
    title: `${title}, ${USUAL_SIZE} bytes`,
    reading:
      "Dashed: as many times the best single CPU. With more CPUs than cores the rate is by wall-clock time, other load included.",
    spec,
  };
}

function costBySize(points: readonly ScalePoint[], workload: string) {
  const shown = points.filter((point) => point.workload === workload && point.cpus === 1);
  const sizes = new Set(shown.map(({ size }) => size));
  if (sizes.size < 2) return undefined;
  const values = shown.map(({ allocator, size, ratio }) => ({ allocator, size, ratio }));
  const spec: TopLevelSpec = {
    ...{ width: WIDTH, height: HEIGHT },
    data: { values },
    mark: { type: "line", point: { size: 40 }, strokeWidth: 2 },
    encoding: {
      x: {
        field: "size",
        type: "quantitative",
        title: "bytes an object",
        scale: { type: "log", base: 2 },
        axis: { values: [...sizes], format: "d" },
      },
      y: {
        field: "ratio",
        type: "quantitative",
        title: "cost, in cas pairs",
        scale: { type: "log" },
      },
      color: allocator,
    },
  };
  return {
    name: `size-${workload}`,
    title: `Cost against size: ${workload}, one CPU`,
    reading: "A step is where a slab holds fewer objects, or where pages are asked for directly.",
    spec,
  };
}

function bulk(points: readonly ScalePoint[]) {
  const values = points
    .filter((point) => point.workload.startsWith("bulk-"))
    .map(({ allocator, workload, ratio }) => ({
      allocator,
      ratio,
      count: Number(workload.slice("bulk-".length)),
    }));
  const counts = new Set(values.map(({ count }) => count));
  if (counts.size < 2) return undefined;
  const spec: TopLevelSpec = {
    ...{ width: WIDTH, height: HEIGHT },
    data: { values },
    mark: { type: "line", point: { size: 40 }, strokeWidth: 2 },
    encoding: {
      x: {
        field: "count",
        type: "quantitative",
        title: "objects a call",
        scale: { type: "log", base: 2 },
        axis: { values: [1, 2, 4, 8, 16, 32, 64, 128, 250], format: "d" },
      },
      y: {
        field: "ratio",
        type: "quantitative",
        title: "cost an object, in cas pairs",
        scale: { type: "log" },
      },
      color: allocator,
    },
  };
  return {
    name: "bulk",
    title: "Bulk calls: cost an object",
    reading: "One call shares its fixed cost among its objects, until they fill a slab.",
    spec,
  };
}

function latency(points: readonly ScalePoint[]) {
  const values = points
    .filter(({ workload, cpus }) => workload === "pairs" && cpus === 1)
    .filter(({ size }) => size === USUAL_SIZE)
    .flatMap(({ allocator, latencies = [] }) =>
      latencies.map((ns, i) => ({ allocator, ns, percentile: `${PERCENTILES[i]} %` })),
    );
  if (values.length === 0) return undefined;
  const spec: TopLevelSpec = {
    ...{ width: WIDTH, height: HEIGHT },
    data: { values },
    mark: { type: "line", point: { size: 40 }, strokeWidth: 2 },
    encoding: {
      x: { field: "percentile", type: "ordinal", title: "share of operations", sort: null },
      y: {
        field: "ns",
        type: "quantitative",
        title: "ns or less, with some 50 for the clock",
        scale: { type: "log" },
      },
      color: allocator,
    },
  };
  return {
    name: "latency",
    title: `How long a single pair takes, one CPU, ${USUAL_SIZE} bytes`,
    reading: "The last points are the machine's interruptions, the same for all.",
    spec,
  };
}

/** The cost of a free on another CPU: work, and waiting for locks and cache lines. */
function crossing(points: readonly ScalePoint[]) {
  const workloads = ["pairs", "larson", "remote-free", "one-allocates"];
  const values = points
    .filter(
      ({ cpus, size, workload }) =>
        cpus === 2 && size === USUAL_SIZE && workloads.includes(workload),
    )
    .map(({ allocator, workload, ratio }) => ({ allocator, workload, ratio }));
  if (new Set(values.map(({ workload }) => workload)).size < 2) return undefined;
  const spec: TopLevelSpec = {
    ...{ width: WIDTH, height: HEIGHT },
    data: { values },
    // A few are hundreds of times dearer than others: a scale that bars could not have.
    mark: { type: "point", filled: true, size: 80, opacity: 1 },
    encoding: {
      x: {
        field: "workload",
        type: "nominal",
        title: null,
        sort: workloads,
        axis: { labelAngle: 0 },
      },
      xOffset: { field: "allocator", sort: null },
      y: {
        field: "ratio",
        type: "quantitative",
        title: "cost, in cas pairs",
        scale: { type: "log" },
      },
      color: allocator,
    },
  };
  return {
    name: "crossing",
    title: `Two CPUs: objects of one's own, and of the other's, ${USUAL_SIZE} bytes`,
    reading: "From left to right more objects are freed where they were not allocated.",
    spec,
  };
}

function contention(points: readonly ScalePoint[]) {
  const values = points
    .filter(({ cpus, size }) => cpus === 2 && size === USUAL_SIZE)
    .flatMap(({ allocator, workload, locks = [] }) =>
      locks
        .filter(({ acquired }) => acquired >= FEWEST_TAKEN)
        .map(({ lock, acquired, contended }) => ({
          lock: lock.replace(/ of (kmalloc|scale)-\S+,/, ","),
          point: `${allocator}: ${workload}`,
          percent: (100 * contended) / acquired,
        })),
    )
    .filter(({ percent }) => percent > 0);
  if (values.length === 0) return undefined;
  const spec: TopLevelSpec = {
    width: WIDTH,
    data: { values },
    mark: { type: "bar" },
    encoding: {
      y: { field: "point", type: "nominal", title: null, sort: null, axis: { labelLimit: 240 } },
      x: {
        field: "percent",
        type: "quantitative",
        title: "% of acquisitions that had to wait",
      },
      color: { field: "lock", type: "nominal", title: null },
    },
  };
  return {
    name: "contention",
    title: "Contention by lock, two CPUs",
    reading: `A lock that is not here was never waited for, or taken fewer than ${FEWEST_TAKEN} times.`,
    spec,
  };
}
