/** The timeline page in a real browser: it steps, and what it shows changes with the steps. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { replay } from "../../src/explore/replay.ts";
import { snapshotOf } from "../../src/laboratory/snapshot.ts";
import { scenarioOfSubject } from "../../src/museum/subject.ts";
import { timelinePage } from "../../src/report/timeline-html.ts";
import { launchChromium } from "./browser.ts";

const folder = mkdtempSync(join(tmpdir(), "slablab-"));
let browser: Browser;
let page: Page;
let events = 0;

beforeAll(async () => {
  const scenario = await scenarioOfSubject({ scenario: "R09" });
  const { failure } = explore({ ...scenario, search: { schedules: 5000 } });
  const token = failure?.token ?? "";
  const replayed = replay(scenario, token, { watch: snapshotOf });
  events = replayed.timeline.length;
  const file = join(folder, "timeline.html");
  writeFileSync(file, timelinePage(scenario.name, token, replayed));
  browser = await launchChromium();
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(pathToFileURL(file).href);
});

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

const machine = (): Promise<string | null> => page.locator("#machine").textContent();

test("one row an event, one column a CPU, and the verdict above", async () => {
  expect(await page.locator("#timeline tbody tr").count()).toBe(events);
  expect(await page.locator("#timeline th").allTextContents()).toEqual(["step", "CPU 0", "CPU 1"]);
  expect(await page.locator("#verdict").textContent()).toContain("counter-drift");
});

test("the first step shows CPUs, nodes and slabs; stepping moves the mark", async () => {
  await page.keyboard.press("Home");
  expect(await machine()).toContain("CPU 0");
  expect(await machine()).toContain("node 0");
  expect(await machine()).toContain("freelist");
  const marked = (): Promise<number> =>
    page.locator("tr.now").evaluate((row) => (row as HTMLTableRowElement).rowIndex);
  expect(await marked()).toBe(1);
  await page.locator("#next").click();
  await page.keyboard.press("ArrowRight");
  expect(await marked()).toBe(3);
  await page.keyboard.press("ArrowLeft");
  expect(await marked()).toBe(2);
});

test("freelists and lists change along the schedule, and what changed is framed", async () => {
  await page.keyboard.press("Home");
  const first = await machine();
  await page.keyboard.press("End");
  expect(await machine()).not.toBe(first);
  await page.keyboard.press("Home");
  let framed = 0;
  for (let step = 1; step < events; step++) {
    await page.keyboard.press("ArrowRight");
    framed += await page.locator(".card.changed").count();
  }
  expect(framed).toBeGreaterThan(3);
});

test("one jumps to the accesses whose order matters, and clicks any row", async () => {
  await page.keyboard.press("Home");
  await page.keyboard.press("m");
  expect(await page.locator("tr.now.matters").count()).toBe(1);
  await page.locator("#timeline tbody tr").nth(5).click();
  expect(await page.locator("#count").textContent()).toBe(`6 / ${events}`);
});

test("nothing is loaded from elsewhere, and nothing goes wrong in the page", async () => {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => problems.push(request.url()));
  await page.keyboard.press("End");
  await page.keyboard.press("n");
  expect(problems).toEqual([]);
});
