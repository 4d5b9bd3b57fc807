/**
 * Packages that are not dependencies: `npm install sharedmap@1.2.0` in some folder, and that folder
 * in the environment as FOUND.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** The module at `path` below the folder's node_modules, as it is published. */
export function installed<Module>(path: string): Promise<Module> {
  const folder = resolve(process.env.FOUND ?? ".", "node_modules", path);
  return import(pathToFileURL(folder).href) as Promise<Module>;
}

/**
 * The module at `path`, of the form that Node calls CommonJS, loaded anew at each call: as each worker
 * does that loads it. A module that keeps methods of Atomics when it is loaded keeps those that are
 * there then.
 */
export function loadedByTask<Module>(path: string): () => Module {
  const file = resolve(process.env.FOUND ?? ".", "node_modules", path);
  const run = new Function("exports", "module", "require", readFileSync(file, "utf8"));
  return () => {
    const module = { exports: {} };
    run(module.exports, module, createRequire(file));
    return module.exports as Module;
  };
}
