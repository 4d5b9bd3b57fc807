/** The example of docs/reserves.md runs as it is printed. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runExample } from "./run-example.ts";

test("the program of the page on reserves has its cache shrunk and gets a page of the reserves", async () => {
  const page = readFileSync(new URL("../../docs/reserves.md", import.meta.url), "utf8");
  const [, program = ""] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
  const { stdout, stderr } = await runExample(program);
  expect([stdout, stderr]).toEqual(["0 true true\n", ""]);
});
