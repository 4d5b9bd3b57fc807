/**
 * Packages that are not dependencies: `npm install sharedmap@1.2.0` in some folder, and that folder
 * in the environment as FOUND.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** The module at `path` below the folder's node_modules, as it is published. */
export function installed<Module>(path: string): Promise<Module> {
  const folder = resolve(process.env.FOUND ?? ".", "node_modules", path);
  return import(pathToFileURL(folder).href) as Promise<Module>;
}
