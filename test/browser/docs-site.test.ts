/** The site as `npm run docs:build` makes it, in a real browser, from a host without special headers. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { launchChromium } from "./browser.ts";
import { type FolderServer, serveFolder } from "./folder-server.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** A busy machine takes minutes for the build. */
const BUILD_TIMEOUT_MS = 900_000;

let browser: Browser;
let server: FolderServer;
let page: Page;
let problems: string[];

beforeAll(async () => {
  await promisify(execFile)("npm", ["run", "docs:build"], { cwd: root });
  server = await serveFolder(fileURLToPath(new URL("../../site/.vitepress/dist", import.meta.url)));
  browser = await launchChromium();
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await browser?.close();
  server?.close();
});

beforeEach(async () => {
  problems = [];
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("requestfailed", (request) => problems.push(request.url()));
  page.on("request", (request) => {
    if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(server.address)) {
      problems.push(`asked elsewhere: ${request.url()}`);
    }
  });
  page.on("response", (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
  });
});

afterEach(async () => {
  await page.close();
  expect(problems).toEqual([]);
});

const status = (): Promise<string | null> => page.locator(".status").textContent();
const idle = (): Promise<unknown> =>
  page.waitForFunction(
    "document.querySelector('.stop:disabled') && document.querySelector('.what option')",
  );

async function openPlayground(fragment = ""): Promise<void> {
  await page.goto(`${server.address}/playground.html${fragment}`);
  await page.waitForSelector(".what option", { state: "attached" });
}

async function run(): Promise<string | null> {
  await page.locator(".run").click();
  await idle();
  return status();
}

describe("the playground", () => {
  test("finds R01, steps through it and finds a word in it", async () => {
    await openPlayground();
    expect(await page.locator(".what").inputValue()).toBe("R01");
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
    await openPlayground();
    await page.locator(".bug").selectOption("");
    expect(await run()).toMatch(/^all [\d,]+ schedules with at most 2 preemptions pass under sc$/);
    const text = await page.locator("textarea").inputValue();
    await page.locator("textarea").fill(text.replace("alloc x", "alloc changed"));
    await page.locator(".what").selectOption("counter");
    expect(await run()).toContain("fails: exception");
    await page.locator(".what").selectOption("R01");
    expect(await page.locator("textarea").inputValue()).toContain("alloc changed");
  });

  test("a ring in TypeScript passes under sc, and fails under pso at its own lines", async () => {
    await openPlayground();
    await page.locator(".what").selectOption("ring(PlainHead)");
    expect(await run()).toContain("fails: exception");
    expect(await page.locator("tr.call").first().textContent()).toMatch(
      /PlainHead\.push.*program\.ts:\d+/s,
    );
    await page.locator("[name=memory]").selectOption("sc");
    expect(await run()).toContain("pass under sc");
  });

  test("a shared link opens the same program, and replays its schedule", async () => {
    await openPlayground();
    await page.locator(".what").selectOption("counter");
    const text = `${await page.locator("textarea").inputValue()}\n// ours\n`;
    await page.locator("textarea").fill(text);
    await run();
    const token = await page.locator(".token code").textContent();
    await page.locator(".share").click();
    await page.waitForFunction("location.hash.length > 50");
    const { hash } = new URL(page.url());
    await page.goto("about:blank");
    await openPlayground(hash);
    await page.waitForSelector(".schedule");
    expect(await page.locator("textarea").inputValue()).toBe(text);
    expect(await page.locator(".token code").textContent()).toBe(token);
    expect(await status()).toContain("(replayed)");
  });

  test.each([
    ["counter", "export default { words: 1, tasks: { a(w { } }", /^program\.ts:1: /],
    ["counter", "export default { words: 1, tasks: { async a() {} } };", /async/],
    ["counter", 'import fs from "node:fs";\nexport default {};', /cannot import "node:fs"/],
    ["counter", "export const nothing = 1;", /exports nothing to explore/],
    ["R01", "scenario x\ntask A\n  aloc x", /^scenario:3: "aloc": unknown word/],
  ])(
    "what is wrong in %s is told in a line, and the text stays: %s",
    async (choice, text, told) => {
      await openPlayground();
      await page.locator(".what").selectOption(choice);
      await page.locator("textarea").fill(text);
      expect(await run()).toMatch(told);
      expect(await status()).not.toContain("\n");
      expect(await page.locator("textarea").inputValue()).toBe(text);
    },
  );

  test("a damaged link is told in a line", async () => {
    await openPlayground("#p=abc");
    await page.waitForSelector(".status.bad");
    expect(await status()).toBe("this link is damaged or from another version of the page");
    expect(await page.locator(".what").inputValue()).toBe("R01");
  });

  test("a search can be stopped, and another one begun", async () => {
    await openPlayground();
    await page.locator(".what").selectOption("counter");
    await page.locator("textarea").fill("for (;;);");
    await page.locator(".run").click();
    await page.locator(".stop").click();
    expect(await status()).toBe("stopped");
    await page.locator(".reset").click();
    expect(await run()).toContain("fails: exception");
  });

  test("at 420 pixels the page does not scroll sideways", async () => {
    await page.setViewportSize({ width: 420, height: 800 });
    await openPlayground();
    await run();
    const [wide, window] = (await page.evaluate(
      "[document.documentElement.scrollWidth, innerWidth]",
    )) as [number, number];
    expect(wide).toBeLessThanOrEqual(window);
  });
});

test("real Web Workers share a pool on a host without headers: a service worker isolates the page", async () => {
  await page.goto(`${server.address}/stress.html`);
  await page.waitForSelector(".run:enabled");
  expect(await page.evaluate("crossOriginIsolated")).toBe(true);
  await page.locator("[name=threads]").fill("3");
  await page.locator("[name=seconds]").fill("2");
  await page.locator(".run").click();
  await page.waitForSelector(".status.good, .status.bad");
  expect(await status()).toMatch(
    /^[\d,]+ operations, [\d,]+ thousand a second; no object had two owners$/,
  );
  expect(await page.locator(".threads tbody tr").count()).toBe(3);
});

describe("the documents", () => {
  test("are found by words in them", async () => {
    await page.goto(`${server.address}/reading.html`);
    await page.keyboard.press("Control+k");
    await page.locator(".VPLocalSearchBox input").fill("frozen slab");
    await page.waitForSelector(".VPLocalSearchBox .result");
    expect(await page.locator(".VPLocalSearchBox .result").count()).toBeGreaterThan(1);
  });

  test("have an API reference with the words of the source", async () => {
    await page.goto(`${server.address}/api/explore/functions/explore.html`);
    expect(await page.locator("main").textContent()).toContain(
      "Searches for a schedule that fails",
    );
  });
});
