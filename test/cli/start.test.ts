import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const file = (name: string) => readFile(new URL(`../../${name}`, import.meta.url), "utf8");

test("continuous integration calls the README's test line as it is printed", async () => {
  const [, start = ""] = /## Start[\s\S]*?```sh\n([\s\S]*?)```/.exec(await file("README.md")) ?? [];
  const lines = start.split("\n").map((line) => line.replace(/\s*#.*/, ""));
  expect(lines).toEqual(["npm install && npm start", "npm install && npm test", ""]);
  expect((await file(".ci/run")).split("\n").map((line) => line.trim())).toContain(lines[1]);
});
