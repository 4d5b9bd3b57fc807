/**
 * `npm run bench:machine`: packs what a Linux machine of the same architecture needs to measure the
 * allocators where nothing is installed, Node included, in dist/slablab-bench.tar.xz. There:
 *
 *     tar -xf slablab-bench.tar.xz && slablab-bench/run
 *
 * takes at most seven minutes and writes slablab-bench/report.html. A C compiler and the libraries of
 * other allocators are used where they are.
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildCommands } from "./build.ts";

const MOST_BYTES = 60_000_000;
/** Of the seven minutes some are left for the report. */
const MEASURES_S = 390;

const root = fileURLToPath(new URL("../", import.meta.url));
const dist = join(root, "dist");
const NAME = "slablab-bench";
const folder = join(dist, NAME);
const archive = join(dist, `${NAME}.tar.xz`);

/** The number of CPUs grows to that of the cores, 16 at most. An interrupted run reports what it has. */
const RUN = `#!/bin/sh
cd "$(dirname "$0")" || exit 1
cpus=1
for n in 2 4 8 16; do
  if [ "$n" -le "$(nproc)" ]; then cpus="$cpus,$n"; fi
done
timeout -s INT ${MEASURES_S} ./node bin/slablab-cli.js scale --native \\
  --allocators slub,slab,sheaves,nothing --sizes 64 --cpus "$cpus" --seconds 0.3 --repeat 3 \\
  --workloads pairs,fifo,random,larson,remote-free,one-allocates --html report.html
`;

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
}

function manifestOf(package_: string): Manifest {
  return JSON.parse(readFileSync(join(package_, "package.json"), "utf8"));
}

/** Copies what a package depends on, each once: the tree has one version of each. */
function copyDependencies(package_: string, copied: Set<string>): void {
  const { resolve } = createRequire(join(package_, "package.json"));
  for (const name of Object.keys(manifestOf(package_).dependencies ?? {})) {
    if (copied.has(name)) continue;
    copied.add(name);
    const folders = resolve.paths(name) ?? [];
    const from = folders.map((path) => join(path, name)).find((path) => isFolder(path));
    if (from === undefined) throw new Error(`${name} is not installed`);
    cpSync(from, join(folder, "node_modules", name), { recursive: true, dereference: true });
    copyDependencies(from, copied);
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

await buildCommands();
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
cpSync(join(dist, "cli"), folder, { recursive: true });
copyDependencies(join(root, "cli"), new Set());
copyFileSync(process.execPath, join(folder, "node"));
writeFileSync(join(folder, "run"), RUN, { mode: 0o755 });
execFileSync("tar", ["-C", dist, "-cJf", archive, NAME], { stdio: "inherit" });
const { size } = statSync(archive);
console.log(`${archive}: ${(size / 1e6).toFixed(1)} MB`);
if (size > MOST_BYTES) throw new Error(`more than ${MOST_BYTES / 1e6} MB`);
