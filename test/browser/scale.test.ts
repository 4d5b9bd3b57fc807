import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scaleHtml } from "../../src/report/scale-html.ts";
import { fullOutcome } from "../scale/points.ts";
import { launchChromium } from "./browser.ts";

let browser: Browser;
let html: string;

beforeAll(async () => {
  browser = await launchChromium();
  const outcome = fullOutcome({ discarded: 0.5, overloaded: true });
  html = await scaleHtml(outcome, { command: "slablab scale", environment: { node: "26" } });
});

afterAll(() => browser?.close());

/** The report in a window, with whatever it complained about or asked the network for. */
async function open(colorScheme: "light" | "dark", width = 1000) {
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("request", (request) => complaints.push(request.url()));
  await page.setContent(html);
  return { page, complaints };
}

function styleOf(page: Page, selector: string, property: string): Promise<string> {
  return page.$eval(
    selector,
    (node, name) => getComputedStyle(node).getPropertyValue(name),
    property,
  );
}

/** Relative luminance of `rgb(r, g, b)`, roughly. */
function brightness(colour: string): number {
  const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return (0.2 * r + 0.7 * g + 0.1 * b) / 255;
}

test.each(["light", "dark"] as const)(
  "in %s its text and axes stand out from the paper",
  async (scheme) => {
    const { page, complaints } = await open(scheme);
    const paper = brightness(await styleOf(page, "body", "background-color"));
    expect(paper > 0.5).toBe(scheme === "light");
    for (const [selector, property] of [
      ["body", "color"],
      ["#throughput-pairs svg text", "fill"],
      ["#latency svg text", "fill"],
    ] as const) {
      const ink = brightness(await styleOf(page, selector, property));
      expect(Math.abs(ink - paper), selector).toBeGreaterThan(0.5);
    }
    expect(complaints).toEqual([]);
    await page.close();
  },
);

test("every picture is drawn, with lines or bars of some size", async () => {
  const { page } = await open("light");
  const boxes = await page.$$eval("figure svg", (drawings) =>
    drawings.map((drawing) => drawing.getBoundingClientRect().toJSON()),
  );
  expect(boxes).toHaveLength(7);
  for (const { width, height } of boxes) {
    expect(width).toBeGreaterThan(300);
    expect(height).toBeGreaterThan(40);
  }
  expect(await page.$$eval("#throughput-pairs svg path", (paths) => paths.length)).toBeGreaterThan(
    3,
  );
  await page.close();
});

test("on a narrow screen the page does not scroll sideways; its tables do", async () => {
  const { page } = await open("light", 400);
  const [page_, window_] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    innerWidth,
  ]);
  expect(page_).toBeLessThanOrEqual(window_ as number);
  await page.close();
});

test("the warning comes before the first picture", async () => {
  const { page } = await open("dark");
  const [warning, figure] = await page.$$eval("[role=alert], #throughput-pairs", (nodes) =>
    nodes.map((node) => node.getBoundingClientRect().top),
  );
  expect(warning).toBeLessThan(figure as number);
  await page.close();
});
