/** The program of docs/groups.md runs as it is printed. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runExample } from "./run-example.ts";

const page = readFileSync(new URL("../../docs/groups.md", import.meta.url), "utf8");
const program = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? "";

test("a tenant at its limit gets no more objects, and others go on", async () => {
  const { stdout, stderr } = await runExample(program);
  const lines = ["63 objects, 65536 bytes of 65536", "true true", "65536 0", ""];
  expect([stdout, stderr]).toEqual([lines.join("\n"), ""]);
});
