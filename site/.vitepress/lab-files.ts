// SPDX-License-Identifier: GPL-2.0-only
/**
 * The explorer as files that a page's worker imports as they are: every module of the tree that the
 * worker reaches, with its types blanked out, so that a stack in the page names the functions and lines
 * of the source. Nothing is bundled.
 */
import { globSync, readFileSync } from "node:fs";
import { findPackageJSON, stripTypeScriptTypes } from "node:module";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const entry = "site/lab/worker.ts";
const IMPORT = /(\bfrom\s*|\bimport\s*\(?\s*)"(\.[^"]+)\.ts"/g;
const SWC = "@swc/wasm-typescript-esm";

export type LabFiles = Map<string, string | Uint8Array>;

/** By path below the folder `lab/` of the site. */
export function labFiles(): LabFiles {
  const files: LabFiles = new Map();
  const follow = (path: string): void => {
    const name = path.replace(/\.ts$/, ".js");
    if (files.has(name)) return;
    const stripped = stripTypeScriptTypes(readFileSync(join(root, path), "utf8"));
    files.set(name, stripped.replace(IMPORT, '$1"$2.js"'));
    for (const [, , target] of stripped.matchAll(IMPORT)) {
      follow(normalize(join(dirname(path), `${target}.ts`)));
    }
  };
  follow(entry);
  for (const path of globSync("examples/structures/*.ts", { cwd: root })) {
    files.set(path, readFileSync(join(root, path), "utf8"));
  }
  const stripper = dirname(findPackageJSON(SWC, import.meta.url) ?? "");
  for (const file of ["wasm.js", "wasm_bg.wasm"]) {
    files.set(`strip/${file}`, readFileSync(join(stripper, file)));
  }
  return files;
}
