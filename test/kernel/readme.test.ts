import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { runExample } from "../docs/run-example.ts";

const readme = new URL("../../README.md", import.meta.url);

test("the README's example runs as it is printed", async () => {
  const [, example = ""] = /```js\n([\s\S]*?)```/.exec(await readFile(readme, "utf8")) ?? [];
  expect(await runExample(example)).toEqual({
    stdout: "four workers have passed 400,000 objects to each other\n",
    stderr: "",
  });
});
