import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const readme = new URL("../../README.md", import.meta.url);
const library = new URL("../../src/kernel/index.ts", import.meta.url);

test("the README's example runs as it is printed", async () => {
  const [, example = ""] = /```js\n([\s\S]*?)```/.exec(await readFile(readme, "utf8")) ?? [];
  const folder = await mkdtemp(join(tmpdir(), "slablab-readme-"));
  const installed = join(folder, "node_modules", "slablab");
  await mkdir(installed, { recursive: true });
  await writeFile(join(installed, "package.json"), '{ "type": "module", "exports": "./index.js" }');
  await writeFile(join(installed, "index.js"), `export * from ${JSON.stringify(library.href)};\n`);
  await writeFile(join(folder, "example.mjs"), example);
  try {
    const run = await promisify(execFile)(process.execPath, [join(folder, "example.mjs")]);
    expect(run.stdout).toBe("four workers have passed 400,000 objects to each other\n");
    expect(run.stderr).toBe("");
  } finally {
    await rm(folder, { recursive: true });
  }
});
