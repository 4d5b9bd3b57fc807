/** Runs a program of the documents as a user has it: in a folder where slablab is installed. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { installLibrary } from "./installed.ts";

export async function runExample(
  program: string,
  file = "example.mjs",
): Promise<{ stdout: string; stderr: string }> {
  const folder = await mkdtemp(join(tmpdir(), "slablab-docs-"));
  await installLibrary(folder);
  await writeFile(join(folder, file), program);
  try {
    return await promisify(execFile)(process.execPath, [join(folder, file)]);
  } finally {
    await rm(folder, { recursive: true });
  }
}
