#!/usr/bin/env node
// SPDX-License-Identifier: GPL-2.0-only
// Starts the commands, which are a package of their own, `slablab-cli`: in a checkout it lies beside
// this file, elsewhere it is installed beside the library, or not.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

const beside = fileURLToPath(new URL("./slablab-cli.js", import.meta.url));
const commands = existsSync(beside) ? beside : installed();

if (commands === undefined) {
  console.error("slablab: the commands are a package of their own; run `npx slablab-cli`");
  process.exitCode = 3;
} else {
  await import(pathToFileURL(commands).href);
}

function installed() {
  try {
    return createRequire(import.meta.url).resolve("slablab-cli/bin/slablab-cli.js");
  } catch {
    return undefined;
  }
}
