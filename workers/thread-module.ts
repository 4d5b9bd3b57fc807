// SPDX-License-Identifier: GPL-2.0-only
/**
 * Where the code of a thread is. A thread loads three hundred modules five times as slowly as a bundle
 * of them. Packages have the bundle; in a checkout the tests make one and say where it is. A module of
 * the user's imports classes from the single modules, and those of a bundle would be others: a thread
 * that loads one runs without the bundle.
 */
import { existsSync } from "node:fs";
import { extname } from "node:path";
import { isModule } from "../src/museum/sent-modules.ts";

/** The environment's name for the address of the bundle's folder. */
export const BUNDLE = "SLABLAB_THREADS";

const beside = new URL("./bundle/", import.meta.url);

function bundle(): URL | undefined {
  const named = process.env[BUNDLE];
  if (named !== undefined) return new URL(named);
  return existsSync(beside) ? beside : undefined;
}

/** The thread workers/`name`, which will load the module or mutation `loads`. */
export function threadModule(name: "cpu" | "hotplug" | "explore", loads: string | undefined): URL {
  const folder = loads === undefined || !isModule(loads) ? bundle() : undefined;
  return folder === undefined ? plainModule(name) : new URL(`${name}.mjs`, folder);
}

/** The thread workers/`name` as a module of its own: .ts in the source, .js when built. */
export function plainModule(name: string): URL {
  return new URL(`./${name}${extname(import.meta.url)}`, import.meta.url);
}
