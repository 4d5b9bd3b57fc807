#!/usr/bin/env node
// Plain JavaScript for Node 18 and later: on a Node that cannot run slablab it hands over to the
// pinned one beside it, with the same arguments, streams, signals and exit code.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module, { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);

if (major > 24 || (major === 24 && minor >= 12)) {
  const source = new URL("../src/cli/main.ts", import.meta.url);
  const built = new URL("../dist/src/cli/main.js", import.meta.url);
  // Compiled once for all runs, and for the threads, which look at the environment: starts take half
  // as long.
  const { directory } = module.enableCompileCache();
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory;
  await import(existsSync(fileURLToPath(source)) ? source.href : built.href);
} else {
  const node = pinnedNode();
  if (node) {
    handOver(node);
  } else {
    console.error(
      `slablab: needs Node 24.12 or later and this is ${process.version}; run \`npm install\` here, which brings one, or update Node`,
    );
    process.exitCode = 3;
  }
}

function pinnedNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve("node/package.json");
    const binary = join(dirname(manifest), "bin", "node");
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}

function handOver(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
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
