/** The site as `npm run docs:build` makes it, in a real browser, from a host without special headers. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { launchChromium } from "./browser.ts";
import { type FolderServer, serveFolder } from "./folder-server.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** A busy machine takes minutes for the build. */
const BUILD_TIMEOUT_MS = 900_000;

let browser: Browser;
let server: FolderServer;

beforeAll(async () => {
  await promisify(execFile)("npm", ["run", "docs:build"], { cwd: root });
  server = await serveFolder(fileURLToPath(new URL("../../site/.vitepress/dist", import.meta.url)));
  browser = await launchChromium();
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await browser?.close();
  server?.close();
});

/** A page, with whatever it complained about or asked others for. */
async function open(): Promise<{ page: Page; problems: string[] }> {
  const problems: string[] = [];
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("requestfailed", (request) => {
    // A page that is loaded anew, as the service worker asks, drops what it was waiting for.
    if (request.failure()?.errorText !== "net::ERR_ABORTED") problems.push(request.url());
  });
  page.on("request", (request) => {
    if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(server.address)) {
      problems.push(`asked elsewhere: ${request.url()}`);
    }
  });
  page.on("response", (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
  });
  return { page, problems };
}

const statusOf = (page: Page): Promise<string | null> => page.locator(".status").textContent();

async function openPlayground(page: Page, fragment = ""): Promise<void> {
  await page.goto(`${server.address}/playground.html${fragment}`);
  await page.waitForSelector(".what option", { state: "attached" });
}

async function runIn(page: Page): Promise<string | null> {
  await page.locator(".run").click();
  await page.waitForSelector(".stop:disabled");
  return statusOf(page);
}

describe("the playground", () => {
  let page: Page;
  let problems: string[];

  /** Loading the laboratory takes seconds: most tests share a page. */
  beforeAll(async () => {
    ({ page, problems } = await open());
    await openPlayground(page);
  });
  beforeEach(() => page.locator(".what").selectOption("R01"));
  afterAll(async () => {
    await page.close();
    expect(problems).toEqual([]);
  });

  const editor = () => page.locator("textarea");
  const run = (): Promise<string | null> => runIn(page);
  const choose = (id: string): Promise<unknown> => page.locator(".what").selectOption(id);

  test("finds R01, steps through it and finds a word in it", async () => {
    expect(await run()).toContain("fails: lost-object (23 schedules, 2 preemptions");
    expect(await page.locator(".story").first().textContent()).toContain("without a new tid");
    await page.keyboard.press("ArrowRight");
    expect(await page.locator("tr.now .function").textContent()).toBe("System.kfree");
    expect(await page.locator("tr.key code").first().textContent()).toContain("readOnce");
    await page.keyboard.press("/");
    await page.keyboard.type("5@cpu0");
    await page.keyboard.press("Enter");
    expect(await page.locator("tr.now").textContent()).toContain("(151/0, 5@cpu0) stored");
    expect(await page.locator(".machines > svg:visible .arrow.new").count()).toBe(1);
  });

  test("a changed program is another answer; its changes come back after a look at another", async () => {
    await page.locator(".bug").selectOption("");
    expect(await run()).toMatch(/^all [\d,]+ schedules with at most 2 preemptions pass under sc$/);
    await editor().fill((await editor().inputValue()).replace("alloc x", "alloc changed"));
    await choose("counter");
    expect(await run()).toContain("fails: exception");
    await choose("R01");
    expect(await editor().inputValue()).toContain("alloc changed");
    await page.locator(".reset").click();
    expect(await editor().inputValue()).not.toContain("changed");
  });

  test("a ring in TypeScript passes under sc, and fails under pso at its own lines", async () => {
    await choose("ring(PlainHead)");
    expect(await run()).toContain("fails: exception");
    const call = await page.locator("tr.call").first().textContent();
    expect(call).toMatch(/PlainHead\.push.*program\.ts:\d+/s);
    await page.locator("[name=memory]").selectOption("sc");
    expect(await run()).toContain("pass under sc");
  });

  test("a shared link opens the same program, and replays its schedule", async () => {
    await choose("counter");
    const text = `${await editor().inputValue()}\n// ours\n`;
    await editor().fill(text);
    await run();
    const token = await page.locator(".token code").textContent();
    await page.locator(".share").click();
    await page.waitForFunction("location.hash.length > 50");
    await page.locator(".reset").click();
    const other = await open();
    await openPlayground(other.page, new URL(page.url()).hash);
    await other.page.waitForSelector(".schedule");
    expect(await other.page.locator("textarea").inputValue()).toBe(text);
    expect(await other.page.locator(".token code").textContent()).toBe(token);
    expect(await statusOf(other.page)).toContain("(replayed)");
    expect(other.problems).toEqual([]);
    await other.page.close();
  });

  test.each([
    ["counter", "export default { words: 1, tasks: { a(w { } }", /^program\.ts:1: /],
    ["counter", "export default { words: 1, tasks: { async a() {} } };", /async/],
    ["counter", 'import fs from "node:fs"; export default {};', /cannot import "node:fs"/],
    ["counter", "export const nothing = 1;", /exports nothing to explore/],
    ["R01", "scenario x\ntask A\n  aloc x", /^scenario:3: "aloc": unknown word/],
  ])(
    "what is wrong in %s is told in a line, and the text stays: %j",
    async (choice, text, told) => {
      await choose(choice);
      await editor().fill(text);
      expect(await run()).toMatch(told);
      expect(await statusOf(page)).not.toContain("\n");
      expect(await editor().inputValue()).toBe(text);
      await page.locator(".reset").click();
    },
  );

  test("a search can be stopped, and another one begun", async () => {
    await choose("counter");
    await editor().fill("for (;;);");
    await page.locator(".run").click();
    await page.locator(".stop").click();
    expect(await statusOf(page)).toBe("stopped");
    await page.locator(".reset").click();
    expect(await run()).toContain("fails: exception");
  });

  test("at 420 pixels the page does not scroll sideways", async () => {
    await page.setViewportSize({ width: 420, height: 800 });
    await run();
    const widths = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]");
    const [wide, window] = widths as [number, number];
    expect(wide).toBeLessThanOrEqual(window);
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  test("a damaged link is told in a line", async () => {
    const other = await open();
    await openPlayground(other.page, "#p=abc");
    await other.page.waitForSelector(".status.bad");
    expect(await statusOf(other.page)).toBe(
      "this link is damaged or from another version of the page",
    );
    expect(await other.page.locator(".what").inputValue()).toBe("R01");
    await other.page.close();
  });
});

test("real Web Workers share a pool on a host without headers: a service worker isolates the page", async () => {
  const { page, problems } = await open();
  await page.goto(`${server.address}/stress.html`);
  await page.waitForSelector(".run:enabled");
  expect(await page.evaluate("crossOriginIsolated")).toBe(true);
  await page.locator("[name=threads]").fill("3");
  await page.locator("[name=seconds]").fill("2");
  await page.locator(".run").click();
  await page.waitForSelector(".status.good, .status.bad");
  expect(await statusOf(page)).toMatch(
    /^[\d,]+ operations, [\d,]+ thousand a second; no object had two owners$/,
  );
  expect(await page.locator(".threads tbody tr").count()).toBe(3);
  expect(problems).toEqual([]);
  await page.close();
});

test("the documents are found by words in them, and the API has the words of the source", async () => {
  const { page, problems } = await open();
  await page.goto(`${server.address}/reading.html`);
  // Keys are heard once the page's program runs.
  await page.waitForFunction("document.querySelector('#app').__vue_app__ !== undefined");
  await page.keyboard.press("Control+k");
  await page.locator(".VPLocalSearchBox input").fill("frozen slab");
  await page.waitForSelector(".VPLocalSearchBox .result");
  expect(await page.locator(".VPLocalSearchBox .result").count()).toBeGreaterThan(1);
  await page.goto(`${server.address}/api/explore/functions/explore.html`);
  const text = await page.locator("main").textContent();
  expect(text).toContain("Searches for a schedule that fails");
  expect(problems).toEqual([]);
  await page.close();
});
