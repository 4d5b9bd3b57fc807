/** Each example of "Use it in your program" prints what its comments say. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installLibrary } from "./installed.ts";

const page = readFileSync(new URL("../../docs/use.md", import.meta.url), "utf8");
const examples = [...page.matchAll(/^## (.*)\n(?:(?!^## )[\s\S])*?```js\n([\s\S]*?)```/gm)].map(
  ([, title = "", text = ""]) => [title, text] as const,
);

const folder = mkdtempSync(join(tmpdir(), "slablab-use-"));
beforeAll(() => installLibrary(folder));
afterAll(() => rmSync(folder, { recursive: true }));

/** What comments behind `console.log` say: one line each. */
function printed(example: string): string {
  const comments = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(
    ([, text]) => text,
  );
  return comments.flatMap((text = "") => text.split(" // ")).join("\n");
}

test("every chapter that has code has an example that prints something", () => {
  expect(examples.length).toBeGreaterThan(7);
  for (const [title, example] of examples) expect(printed(example), title).not.toBe("");
});

test.each(examples)("%s: the example prints what it says", async (title, example) => {
  const path = join(folder, `${title.replace(/\W+/g, "-")}.mjs`);
  writeFileSync(path, example);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [path]);
  expect(stdout.trim()).toBe(printed(example));
  expect(stderr).toBe("");
});
