/** The library where most shared memory is: a page, whose main thread may not block, and its workers. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type AnyBrowser,
  type AnyPage,
  firefoxPath,
  launchChromium,
  launchFirefox,
} from "./browser.ts";
import type { PageAnswer } from "./scripts/page.ts";
import { Site } from "./site.ts";

/** A minute of all together in each browser. */
const MILLISECONDS = 10_000;

const site = new Site();
let address: string;

beforeAll(async () => {
  await site.serve("/page.js", new URL("./scripts/page.ts", import.meta.url));
  await site.serve("/worker.js", new URL("./scripts/worker.ts", import.meta.url));
  await site.serve("/worklet.js", new URL("./scripts/worklet.ts", import.meta.url));
  address = await site.listen();
});
afterAll(() => site.close());

function behaves(launch: () => Promise<AnyBrowser>): void {
  let browser: AnyBrowser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  async function open(): Promise<AnyPage> {
    const page = await browser.newPage();
    await page.goto(address);
    await page.addScriptTag({ url: "/page.js", type: "module" });
    await page.waitForFunction("globalThis.churnBeside !== undefined");
    return page;
  }

  test.each(
    (["slub", "slab"] as const).flatMap((allocator) => [
      [allocator, 1, 2] as const,
      [allocator, 3, 3] as const,
      [allocator, 7, 4] as const,
    ]),
  )("%s: a main thread and %d workers on %d CPUs", async (allocator, workers, cpus) => {
    const page = await open();
    const call = `churnBeside({ allocator: "${allocator}", cpus: ${cpus} }, ${workers}, ${MILLISECONDS})`;
    const { rounds, errors, findings } = (await page.evaluate(call)) as PageAnswer;
    expect(errors).toEqual([]);
    expect(findings).toEqual([]);
    expect(rounds).toHaveLength(workers + 1);
    for (const count of rounds) expect(count).toBeGreaterThan(0);
    await page.close();
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
}

describe("Chromium", () => behaves(launchChromium));

const isMissing = firefoxPath === undefined ? " (not installed: apt install firefox-esr)" : "";
describe.skipIf(isMissing !== "")(`Firefox${isMissing}`, () =>
  behaves(() => launchFirefox(firefoxPath as string)),
);
