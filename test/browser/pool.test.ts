/** The library where most shared memory is: a page, whose main thread may not block, and its workers. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium } from "./browser.ts";
import type { PageAnswer } from "./scripts/page.ts";
import { Site } from "./site.ts";

/** A minute of all together. */
const MILLISECONDS = 10_000;

const site = new Site();
let browser: Browser;
let address: string;

beforeAll(async () => {
  await site.serve("/page.js", new URL("./scripts/page.ts", import.meta.url));
  await site.serve("/worker.js", new URL("./scripts/worker.ts", import.meta.url));
  await site.serve("/worklet.js", new URL("./scripts/worklet.ts", import.meta.url));
  address = await site.listen();
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  site.close();
});

async function open(): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(address);
  await page.addScriptTag({ url: "/page.js", type: "module" });
  await page.waitForFunction("globalThis.churnBeside !== undefined");
  return page;
}

describe.each(["slub", "slab"] as const)("%s", (allocator) => {
  test.each([
    [1, 2],
    [3, 3],
    [7, 4],
  ])("a main thread and %d workers on %d CPUs", async (workers, cpus) => {
    const page = await open();
    const call = `churnBeside({ allocator: "${allocator}", cpus: ${cpus} }, ${workers}, ${MILLISECONDS})`;
    const { rounds, errors, findings } = await page.evaluate<PageAnswer>(call);
    expect(errors).toEqual([]);
    expect(findings).toEqual([]);
    expect(rounds).toHaveLength(workers + 1);
    for (const count of rounds) expect(count).toBeGreaterThan(0);
    await page.close();
  });
});

test("a main thread goes on when workers are ended that had its CPUs and all task numbers", async () => {
  const page = await open();
  expect(await page.evaluate("outliveWorkers(4)")).toBe("went on");
  await page.close();
});

test("an AudioWorklet imports the library and allocates beside the main thread", async () => {
  const page = await open();
  expect(await page.evaluate("playBeside()")).toEqual({ rounds: 15_000 });
  await page.close();
});
