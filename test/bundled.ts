/** Programs and threads of tests as one file each, which loads in a fifth of the sources' time. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const cache = fileURLToPath(new URL("../node_modules/.cache/slablab/tests/", import.meta.url));

const bundles = new Map<string, Promise<string>>();

async function bundle(entry: URL): Promise<string> {
  const entryPoints = [fileURLToPath(entry)];
  const target = { platform: "node", format: "esm", target: "es2024" } as const;
  const { outputFiles } = await build({ entryPoints, bundle: true, write: false, ...target });
  return outputFiles.map(({ text }) => text).join("");
}

/** The text of a module and of all that it imports. */
export function bundled(entry: URL): Promise<string> {
  const known = bundles.get(entry.href) ?? bundle(entry);
  bundles.set(entry.href, known);
  return known;
}

/** A file with it, for worker threads. */
export async function bundledFile(entry: URL): Promise<string> {
  const text = await bundled(entry);
  const name = createHash("sha256").update(text).digest("hex");
  const path = join(cache, `${name}.mjs`);
  mkdirSync(cache, { recursive: true });
  if (!existsSync(path)) {
    writeFileSync(`${path}.${process.pid}`, text);
    renameSync(`${path}.${process.pid}`, path);
  }
  return path;
}
