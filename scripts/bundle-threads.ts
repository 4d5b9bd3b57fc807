/**
 * Bundles the threads that run the allocators, and for the package the commands as well: they start
 * from a bundle in a fifth of the time. As vitest's global setup it makes the bundle for the threads of
 * the tests, before each run of them.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { decode } from "@jridgewell/sourcemap-codec";
import { build, type Plugin } from "esbuild";
import type { TestProject } from "vitest/node";
import type { Origins } from "../workers/original-position.ts";
import { BUNDLE } from "../workers/thread-module.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const cache = join(root, "node_modules/.cache/slablab");

/** The package's manifest says that no module is imported for its effect alone. This one is. */
const forItsEffect: Plugin = {
  name: "for its effect",
  setup({ onResolve }) {
    onResolve({ filter: /original-stacks\.[jt]s$/ }, ({ path }) => ({ path, sideEffects: true }));
  },
};

/**
 * Maps name the built files, which are in the package, and not what those were built of; and modules
 * that look for files beside them find those of the built ones.
 */
const fromBuilt = (outdir: string): Plugin => ({
  name: "from built files",
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      const itself = `new URL(${JSON.stringify(relative(outdir, path))}, import.meta.url).href`;
      const text = readFileSync(path, "utf8").replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
      return { contents: text.replaceAll("import.meta.url", itself) };
    });
  },
});

interface Written {
  readonly path: string;
  readonly text: string;
}

/** What a source map says, for workers/original-position.ts. */
function originsOf(map: string): string {
  const { sources, mappings } = JSON.parse(map);
  const lines = decode(mappings).map((segments) =>
    segments.map((segment) => segment.slice(0, 4).join()).join(";"),
  );
  const origins: Origins = { sources, lines };
  return JSON.stringify(origins);
}

/**
 * One other character, and V8 keeps two bytes for each of the megabyte, in each thread, and takes
 * twenty times as long to decode it. Those of strings are escaped by now: what is left is in comments.
 */
const ascii = (text: string): string => text.replace(/[^\0-\x7f]/g, "?");

/** The threads that start in numbers. */
const THREADS = ["workers/cpu", "workers/hotplug", "workers/explore"];

/**
 * Files of `entries` in `folder`, which has the sources or what was built of them, to be written in
 * `outdir`. Lines stay apart: the profile of a livelock knows no columns.
 */
async function bundle(
  folder: string,
  entries: readonly string[],
  outdir: string,
): Promise<Written[]> {
  const extension = existsSync(join(folder, "workers/cpu.ts")) ? "ts" : "js";
  const { outputFiles } = await build({
    entryPoints: Object.fromEntries(
      entries.map((path) => [basename(path), join(folder, `${path}.${extension}`)]),
    ),
    inject: [join(folder, `workers/original-stacks.${extension}`)],
    plugins: [forItsEffect, fromBuilt(outdir)],
    bundle: true,
    splitting: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "es2024",
    outExtension: { ".js": ".mjs" },
    outdir,
    sourcemap: "external",
    sourcesContent: false,
    write: false,
  });
  return outputFiles.map(({ path, text }) =>
    path.endsWith(".map")
      ? { path: path.replace(/map$/, "json"), text: originsOf(text) }
      : { path, text: ascii(text) },
  );
}

/** Of what was built, in its folder: the package's own. */
export async function bundleBuilt(built: string): Promise<void> {
  const outdir = join(built, "workers/bundle");
  mkdirSync(outdir);
  const entries = [...THREADS, "src/cli/main"];
  for (const { path, text } of await bundle(built, entries, outdir)) writeFileSync(path, text);
}

/** Of the sources, in a folder that is named by its content: it is never older than they are. */
async function bundleSources(): Promise<string> {
  const files = await bundle(root, THREADS, join(cache, "threads"));
  const hash = createHash("sha256");
  for (const { path, text } of files) hash.update(`${basename(path)}\0`).update(text);
  const folder = join(cache, hash.digest("hex").slice(0, 16));
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const made = mkdtempSync(join(cache, "threads-"));
  for (const { path, text } of files) writeFileSync(join(made, basename(path)), text);
  try {
    renameSync(made, folder);
  } catch (error) {
    // Another run of tests has made the same meanwhile.
    if (!existsSync(folder)) throw error;
    rmSync(made, { recursive: true });
  }
  return folder;
}

async function setUp(project: TestProject): Promise<void> {
  const make = async (): Promise<void> => {
    process.env[BUNDLE] = pathToFileURL(`${await bundleSources()}/`).href;
  };
  await make();
  project.onTestsRerun(make);
}

let isSetUp: Promise<void> | undefined;

/** All projects of a run have one bundle. */
export default function setup(project: TestProject): Promise<void> {
  isSetUp ??= setUp(project);
  return isSetUp;
}
