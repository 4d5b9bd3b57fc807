/** The timeline page in a real browser: it steps, folds, finds, and what it shows changes with the steps. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { replay } from "../../src/explore/replay.ts";
import { snapshotOf } from "../../src/laboratory/snapshot.ts";
import { storyOf } from "../../src/museum/story.ts";
import { scenarioOfSubject } from "../../src/museum/subject.ts";
import { timelinePage } from "../../src/report/timeline/page.ts";
import { launchChromium } from "./browser.ts";

const folder = mkdtempSync(join(tmpdir(), "slablab-"));
const file = join(folder, "timeline.html");
let browser: Browser;
let page: Page;
let events = 0;

beforeAll(async () => {
  const scenario = await scenarioOfSubject({ scenario: "R01" });
  const { failure } = explore({ ...scenario, search: { strategy: "bound", preemptions: 2 } });
  const token = failure?.token ?? "";
  const replayed = replay(scenario, token, { watch: snapshotOf });
  events = replayed.timeline.length;
  const telling = { ...storyOf({ scenario: "R01" }), token };
  writeFileSync(file, timelinePage(telling, replayed));
  browser = await launchChromium();
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
});
beforeEach(async () => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(pathToFileURL(file).href);
});

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

const now = (): Promise<string | null> => page.locator("tr.now td").first().textContent();
const machine = (): Promise<string> =>
  page.locator(".machines > svg:visible").evaluate((drawing) => drawing.outerHTML);
const press = async (...keys: string[]): Promise<void> => {
  for (const key of keys) await page.keyboard.press(key);
};

test("a column a context, the story and the verdict above", async () => {
  const heads = await page.locator(".steps th").allTextContents();
  expect(heads).toEqual(["step", "A task, CPU 0", "B task, CPU 0"]);
  expect(await page.locator(".verdict").textContent()).toContain("lost-object");
  expect(await page.locator(".story").first().textContent()).toContain("without a new tid");
});

describe("stepping", () => {
  test("moves the mark from row to row, a folded call being one row", async () => {
    expect(await now()).toBe("1");
    await page.locator('button[data-key="ArrowRight"]').click();
    await press("ArrowRight");
    expect(await now()).toBe("5–7");
    await press("ArrowLeft");
    expect(await now()).toBe("2–4");
    await press("End");
    expect(await now()).toBe(String(events));
    await press("Home");
    expect(await now()).toBe("1");
  });

  test("changes slabs, lists and words, and marks what has changed", async () => {
    const first = await machine();
    await press("m", "m", "m", "m", "m", "m");
    expect(await page.locator("tr.now").textContent()).toContain("(151/0, 5@cpu0) stored");
    expect(await machine()).not.toBe(first);
    expect(await page.locator(".machines > svg:visible .arrow.new").count()).toBe(1);
    expect(await page.locator(".words .new").allTextContents()).toEqual([
      "cpu 0: c->freelist151/0",
      "cpu 0: c->tid5@cpu0",
    ]);
    expect(await page.locator(".order g.now").count()).toBe(4);
  });

  test("jumps to the next change of context, and plays", async () => {
    await press("n");
    expect(await page.locator("tr.now").textContent()).toContain("alloc x");
    await press(" ");
    await page.waitForFunction("!document.querySelector('tr.now').textContent.includes('alloc x')");
    await press(" ");
    expect(await page.locator('button[data-key=" "]').textContent()).toBe("play");
  });
});

test("a call unfolds into its accesses, and folds again; a click does it, too", async () => {
  await press("ArrowRight", "f");
  expect(await now()).toBe("2");
  expect(await page.locator("tr.member:visible").count()).toBe(3);
  await press("f");
  expect(await now()).toBe("2–4");
  expect(await page.locator("tr.member:visible").count()).toBe(0);
  await page.locator("tr.call").first().click();
  expect(await page.locator("tr.member:visible").count()).toBe(3);
  await press("F");
  expect(await page.locator("tr.member:visible").count()).toBeGreaterThan(60);
});

test("the arrows join the accesses whose order matters, also when calls are unfolded", async () => {
  // They are drawn when the page has been laid out.
  await page.locator(".order g").first().waitFor({ state: "attached" });
  expect(await page.locator(".order g").count()).toBe(6);
  await press("F");
  expect(await page.locator(".order g").count()).toBe(6);
  const titles = await page.locator(".order g title").allTextContents();
  expect(titles[0]).toBe("step 31 overwrites what was read in step 12: cpu 0: c->page");
});

test("find goes from place to place and unfolds the call where it is; no place is said", async () => {
  await press("/");
  await page.keyboard.type("nrSlabs");
  await press("Enter");
  await press("Enter");
  expect(await page.locator("tr.now").textContent()).toContain("nrSlabs: 1 => 2");
  expect(await page.locator("tr.now").isVisible()).toBe(true);
  await page.locator(".find input").fill("nothing of the kind");
  await press("Enter");
  expect(await page.locator(".find input.none").count()).toBe(1);
});

test.each([420, 800, 1280])("at %d pixels the page does not scroll sideways", async (width) => {
  await page.setViewportSize({ width, height: 800 });
  await press("F", "m", "m");
  const widths = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]");
  expect((widths as number[])[0]).toBeLessThanOrEqual((widths as number[])[1] as number);
  expect(await page.locator("tr.now").isVisible()).toBe(true);
  expect(await page.locator(".machines > svg:visible").count()).toBe(1);
});

test("on paper there are the steps and the machine, without buttons", async () => {
  await page.emulateMedia({ media: "print" });
  expect(await page.locator(".schedule nav").isVisible()).toBe(false);
  expect(await page.locator(".steps table").isVisible()).toBe(true);
  await page.emulateMedia({ media: null });
});

test("nothing is loaded from elsewhere, and nothing goes wrong in the page", async () => {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => problems.push(request.url()));
  await press("End", "n", "f", "F", "m");
  expect(problems).toEqual([]);
});
