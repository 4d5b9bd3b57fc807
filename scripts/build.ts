/**
 * Builds both packages: the library for the root's manifest in dist/library, and the commands, a whole
 * package, in dist/cli.
 *
 * The library is small rather than readable, since a program's users download it: comments are in the
 * declarations only, and the maps tell of each position only its line, which is what stacks need. The
 * commands are readable, with their sources in the maps.
 */
import { execFileSync } from "node:child_process";
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { decode, encode } from "@jridgewell/sourcemap-codec";
import { transform } from "esbuild";

const root = fileURLToPath(new URL("../", import.meta.url));
const library = join(root, "dist/library");
const commands = join(root, "dist/cli");

const ENTRIES = ["kernel", "explore", "laboratory"].map((name) => `${name}/index.d.ts`);

/** The map with the first position of each line of the source, where the line changes. */
function thin(text: string): string {
  const map = JSON.parse(text);
  let line = -1;
  const mappings = decode(map.mappings).map((segments) =>
    segments.filter((segment) => {
      const isNew = segment[2] !== undefined && segment[2] !== line;
      line = segment[2] ?? line;
      return isNew;
    }),
  );
  return JSON.stringify({ ...map, mappings: encode(mappings), names: [] });
}

/** Makes one module small, and its map. */
async function shrink(path: string): Promise<void> {
  const { code, map } = await transform(readFileSync(path, "utf8"), {
    format: "esm",
    minify: true,
    // A stack names lines.
    lineLimit: 120,
    sourcemap: "external",
    sourcesContent: false,
    sourcefile: path,
  });
  writeFileSync(path, `${code}//# sourceMappingURL=${path.split("/").at(-1)}.map\n`);
  writeFileSync(`${path}.map`, thin(map));
}

/** The declarations that an importer's compiler can come to. */
function reachable(entries: readonly string[]): Set<string> {
  const found = new Set(entries);
  for (const path of found) {
    const text = readFileSync(path, "utf8");
    for (const [, to] of text.matchAll(/(?:from |import\()"(\.[^"]+)\.[jt]s"/g)) {
      found.add(join(dirname(path), `${to}.d.ts`));
    }
  }
  return found;
}

/** dist/library. */
export async function buildLibrary(): Promise<void> {
  rmSync(library, { recursive: true, force: true });
  execFileSync("tsc", ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
  for (const path of globSync(`${library}/**/*.js`)) await shrink(path);
  const wanted = reachable(ENTRIES.map((path) => join(library, path)));
  for (const path of globSync(`${library}/**/*.d.ts`)) {
    if (wanted.has(path)) writeFileSync(`${path}.map`, thin(readFileSync(`${path}.map`, "utf8")));
    else for (const file of [path, `${path}.map`]) rmSync(file);
  }
}

/** dist/cli. */
export function buildCommands(): void {
  rmSync(commands, { recursive: true, force: true });
  execFileSync("tsc", ["-p", "tsconfig.cli.json"], { cwd: root, stdio: "inherit" });
  cpSync(join(root, "cli"), commands, { recursive: true });
  cpSync(join(root, "docs"), join(commands, "docs"), { recursive: true });
  const also = ["bin/slablab-cli.js", "CHANGELOG.md", ...globSync("LICENSE*", { cwd: root })];
  for (const file of also) cpSync(join(root, file), join(commands, file));
}

if (import.meta.main) {
  await buildLibrary();
  buildCommands();
}
