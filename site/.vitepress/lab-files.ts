// SPDX-License-Identifier: GPL-2.0-only
/**
 * The explorer as files for a page's worker: every module of the tree that the worker reaches, with its
 * types blanked out, in one file (lab/boot.ts), and what strips the types of a user's program.
 */
import { globSync, readFileSync } from "node:fs";
import { findPackageJSON, stripTypeScriptTypes } from "node:module";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import type { Pack } from "../lab/laboratory.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const IMPORT = /(\bfrom\s*|\bimport\s*\(?\s*)"(\.[^"]+)\.ts"/g;
const SWC = "@swc/wasm-typescript-esm";

export type LabFiles = Map<string, string | Uint8Array>;

const textOf = (path: string): string => readFileSync(join(root, path), "utf8");
const scriptOf = (path: string): string => path.replace(/\.ts$/, ".js");

/** Each module behind those that it imports. @throws Error if modules import each other in a circle. */
export function packed(): Pack {
  const modules = new Map<string, string>();
  const begun = new Set<string>();
  const follow = (path: string): void => {
    const name = scriptOf(path);
    if (modules.has(name)) return;
    if (begun.has(name)) throw new Error(`${path} imports itself by way of others`);
    begun.add(name);
    const stripped = stripTypeScriptTypes(textOf(path));
    const linked = stripped.replace(IMPORT, (_, before: string, target: string) => {
      const other = normalize(join(dirname(path), `${target}.ts`));
      follow(other);
      return `${before}"lab:${scriptOf(other)}"`;
    });
    modules.set(name, linked);
  };
  follow("site/lab/worker.ts");
  const structures = globSync("examples/structures/*.ts", { cwd: root });
  return {
    modules: [...modules],
    texts: Object.fromEntries(structures.map((path) => [path, textOf(path)])),
  };
}

/** By path below the folder `lab/` of the site. */
export function labFiles(): LabFiles {
  const files: LabFiles = new Map();
  files.set("boot.js", stripTypeScriptTypes(textOf("site/lab/boot.ts")));
  files.set("modules.json", JSON.stringify(packed()));
  const stripper = dirname(findPackageJSON(SWC, import.meta.url) ?? "");
  for (const file of ["wasm.js", "wasm_bg.wasm"]) {
    files.set(`strip/${file}`, readFileSync(join(stripper, file)));
  }
  return files;
}
