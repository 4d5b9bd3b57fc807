#!/usr/bin/env node
// SPDX-License-Identifier: GPL-2.0-only
// Plain JavaScript for Node 18 and later: on a Node that cannot run slablab it starts a newer one, if
// the npm package `node` is installed beside it, with the same arguments, streams and signals, and
// ends with its exit code.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import module, { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Set for the process that takes over, so that it starts no third one. */
const TAKEN_OVER = "SLABLAB_TAKEN_OVER";

const source = new URL("../src/cli/main.ts", import.meta.url);
const isCheckout = existsSync(fileURLToPath(source));
const hasTakenOver = process.env[TAKEN_OVER] !== undefined;
delete process.env[TAKEN_OVER];

if (isNewEnough(process.versions.node)) {
  // Compiled once for all runs, and for the threads, which look at the environment: starts take half
  // as long.
  const { directory } = module.enableCompileCache();
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory;
  await import(isCheckout ? source.href : built(process.argv.slice(2)).href);
} else {
  const node = hasTakenOver ? undefined : newerNode();
  if (node !== undefined) {
    handOver(node);
  } else {
    const remedy = isCheckout
      ? "run `npm install`, which brings one, or update Node"
      : "update Node";
    console.error(`slablab: needs Node 24.12 or later and this is ${process.version}; ${remedy}`);
    process.exitCode = 3;
  }
}

/**
 * The commands of the package, as a bundle: three hundred modules load five times as slowly. A module
 * of the user's may import classes from the single modules, and those of a bundle would be others.
 */
function built(words) {
  const loadsModule = words.some((word) => /\.[cm]?[jt]s$/.test(word));
  const main = loadsModule ? "src/cli/main.js" : "workers/bundle/main.mjs";
  return new URL(`../dist/${main}`, import.meta.url);
}

/** Whether slablab runs on this version of Node: from 24.12 on. */
function isNewEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > 24 || (major === 24 && minor >= 12);
}

/** The binary of the installed npm package `node`, where that is new enough. */
function newerNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve("node/package.json");
    const { version } = JSON.parse(readFileSync(manifest, "utf8"));
    const binary = join(dirname(manifest), "bin", "node");
    return isNewEnough(version) && existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}

function handOver(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, [TAKEN_OVER]: "1" },
  });
  // A terminal sends Ctrl-C and its hang-up to both processes; a second one would cut short what
  // the first one began. Without a terminal a signal comes to this process only and is passed on.
  const fromTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ["SIGINT", "SIGHUP"]) {
    process.on(signal, () => fromTerminal || child.kill(signal));
  }
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("error", (error) => {
    console.error(`slablab: cannot start ${node}: ${error.message}`);
    process.exit(3);
  });
  child.on("exit", (code, signal) => {
    process.exit(code ?? 128 + constants.signals[signal]);
  });
}
