/** Threads from the bundle that the global setup has made of the sources. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { sampled } from "../../stress/sampled.ts";
import { threadModule } from "../../workers/thread-module.ts";

const root = new URL("../../", import.meta.url).href;
const bundled = threadModule("cpu", undefined);

test("a thread runs from the bundle, unless it is to load a module of the user's", () => {
  expect(bundled.href).toMatch(/\/[0-9a-f]{16}\/cpu\.mjs$/);
  expect(threadModule("hotplug", "R10").href).toMatch(/\/[0-9a-f]{16}\/hotplug\.mjs$/);
  expect(threadModule("cpu", "mine.ts").href).toBe(`${root}workers/cpu.ts`);
});

test("a stack of a bundled thread names the source", async () => {
  const worker = new Worker(bundled);
  const error = await new Promise<Error>((resolve) => worker.once("error", resolve));
  const lines = readFileSync(new URL("workers/cpu.ts", root), "utf8").split("\n");
  const line = lines.findIndex((text) => text.includes("= workerData")) + 1;
  expect(error.stack).toContain(`    at ${root}workers/cpu.ts:${line}:`);
});

test("the profile of a bundled thread is told in lines of the source", () => {
  const words = "throw new RangeError(`no workload ";
  const [place] = globSync(fileURLToPath(new URL("*.mjs", bundled))).flatMap((path) => {
    const lineNumber = readFileSync(path, "utf8")
      .split("\n")
      .findIndex((text) => text.includes(words));
    return lineNumber < 0 ? [] : [{ url: `file://${path}`, lineNumber }];
  });
  const callFrame = { functionName: "start", ...place };
  const positionTicks = [{ line: (place?.lineNumber ?? 0) + 1, ticks: 1 }];
  const profile = { nodes: [{ id: 1, hitCount: 1, callFrame, positionTicks }] };
  const lines = readFileSync(new URL("stress/task.ts", root), "utf8").split("\n");
  const line = lines.findIndex((text) => text.includes(words)) + 1;
  expect(sampled(JSON.stringify(profile))).toEqual({
    stack: `    at start (stress/task.ts:${line})`,
    lines: [`stress/task.ts:${line} "${lines[line - 1]?.trim()}"`],
  });
});

test("the bundle has no character beyond ASCII, which would double it in each thread's memory", () => {
  const files = globSync(fileURLToPath(new URL("*.mjs", bundled)));
  const others = files.filter((path) => readFileSync(path).some((byte) => byte > 0x7f));
  expect(others).toEqual([]);
});
