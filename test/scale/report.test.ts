import { expect, test } from "vitest";
import { drawSvg } from "../../src/report/plots.ts";
import { scaleHtml } from "../../src/report/scale-html.ts";
import { plotsOf } from "../../src/report/scale-plots.ts";
import { comparisonReport, scaleProgress, scaleReport } from "../../src/report/scale-text.ts";
import { compare } from "../../stress/scaling/compare.ts";
import { fullOutcome, outcome, point } from "./points.ts";

const source = { command: "slablab scale --html a.html", environment: { node: "26.0.0" } };

test("a full result has every picture", () => {
  expect(plotsOf(fullOutcome().points).map(({ name }) => name)).toEqual([
    ...["throughput-pairs", "throughput-larson", "size-pairs", "bulk"],
    ...["latency", "crossing", "contention"],
  ]);
});

test("a result with too few points for a picture goes without it", () => {
  expect(plotsOf([point({})])).toEqual([]);
});

test("a picture is SVG that names its allocators and needs nothing from elsewhere", async () => {
  for (const { spec, name } of plotsOf(fullOutcome().points)) {
    const svg = await drawSvg(spec, "neutral");
    expect(svg, name).toMatch(/^<svg/);
    if (name !== "contention") expect(svg, name).toContain("slub");
    expect(svg, name).not.toContain("var(--");
    expect(svg, name).not.toMatch(/(?:href|src)="http/);
  }
});

test("in a page the pictures take the page's ink", async () => {
  const html = await scaleHtml(fullOutcome(), source);
  expect(html).toContain("var(--ink)");
  expect(html.match(/<figure/g)).toHaveLength(7);
  expect(html).toContain("prefers-color-scheme: dark");
  expect(html).toContain(source.command);
  expect(html).not.toMatch(/<script|<link|src=/);
});

test("what a command line says cannot become part of the page", async () => {
  const html = await scaleHtml(outcome([point({})]), { ...source, command: "<img onerror=1>" });
  expect(html).toContain("&lt;img onerror=1>");
});

test("an overloaded machine is named before any figure, in text and page", async () => {
  const overloaded = fullOutcome({ discarded: 0.6, overloaded: true });
  const text = scaleReport(overloaded);
  expect(text.indexOf("overloaded")).toBeGreaterThan(-1);
  expect(text.indexOf("overloaded")).toBeLessThan(text.indexOf("ns/op"));
  expect(text).toContain("60.0 %");
  expect(await scaleHtml(overloaded, source)).toContain('role="alert"');
  expect(scaleReport(fullOutcome())).not.toContain("overloaded");
});

test("points with more CPUs than cores are marked", () => {
  const text = scaleReport(outcome([point({ cpus: 8, oversubscribed: true })]));
  expect(text).toMatch(/8\*/);
  expect(text).toContain("more CPUs than cores");
});

test("what was left out is said with its reason", () => {
  const leftOut = [
    { allocator: "tlsf", cpus: 1, why: "assemblyscript is not installed", failed: false },
  ];
  expect(scaleReport(outcome([], { leftOut }))).toContain("assemblyscript is not installed");
});

test("a comparison shows each change beside its noise", () => {
  const text = comparisonReport(compare([point({ ratio: 1 })], [point({ ratio: 2 })]));
  expect(text).toMatch(/slub pairs.*1\.00.*2\.00.*± 0\.25.*slower/);
  expect(comparisonReport(compare([point({})], [point({})]))).toContain("nothing beyond the noise");
});

test("progress says what is left", () => {
  const state = { done: 4, of: 10, point: point({}), secondsLeft: 200 };
  expect(scaleProgress(state)).toBe("5/10 slub: pairs, 64 bytes, 1 CPUs, 4 min left");
});
