/** Programs and threads of tests as one file each, which loads in a fifth of the sources' time. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type BuildOptions, build, type Plugin } from "esbuild";

const cache = fileURLToPath(new URL("../node_modules/.cache/slablab/tests/", import.meta.url));

const bundles = new Map<string, Promise<string>>();

async function bundle(entry: URL, more?: BuildOptions): Promise<string> {
  const entryPoints = [fileURLToPath(entry)];
  const target = { platform: "node", format: "esm", target: "es2024" } as const;
  const { outputFiles } = await build({
    ...more,
    entryPoints,
    bundle: true,
    write: false,
    ...target,
  });
  return outputFiles.map(({ text }) => text).join("");
}

/** The text of a module and of all that it imports. */
export function bundled(entry: URL): Promise<string> {
  const known = bundles.get(entry.href) ?? bundle(entry);
  bundles.set(entry.href, known);
  return known;
}

/** A file with it, for worker threads. */
export const bundledFile = async (entry: URL): Promise<string> => written(await bundled(entry));

/** Modules that look for files beside them find those of the sources. */
const inPlace: Plugin = {
  name: "in place",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replaceAll(
        "import.meta.url",
        JSON.stringify(pathToFileURL(path)),
      ),
      loader: "ts",
    }));
  },
};

/** A file with a program that uses packages, and starts threads and reads files of the tree. */
export const bundledProgram = async (entry: URL): Promise<string> =>
  written(await bundle(entry, { packages: "external", plugins: [inPlace] }));

/** Its name is its content: it is never older than the sources. */
function written(text: string): string {
  const name = createHash("sha256").update(text).digest("hex");
  const path = join(cache, `${name}.mjs`);
  mkdirSync(cache, { recursive: true });
  if (!existsSync(path)) {
    writeFileSync(`${path}.${process.pid}`, text);
    renameSync(`${path}.${process.pid}`, path);
  }
  return path;
}
