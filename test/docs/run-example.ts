/** Runs a program of the documents as a user has it: in a folder where slablab is installed. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const library = new URL("../../src/kernel/index.ts", import.meta.url);

export async function runExample(
  program: string,
  file = "example.mjs",
): Promise<{ stdout: string; stderr: string }> {
  const folder = await mkdtemp(join(tmpdir(), "slablab-docs-"));
  const installed = join(folder, "node_modules", "slablab");
  await mkdir(installed, { recursive: true });
  await writeFile(join(installed, "package.json"), '{ "type": "module", "exports": "./index.js" }');
  await writeFile(join(installed, "index.js"), `export * from ${JSON.stringify(library.href)};\n`);
  await writeFile(join(folder, file), program);
  try {
    return await promisify(execFile)(process.execPath, [join(folder, file)]);
  } finally {
    await rm(folder, { recursive: true });
  }
}
