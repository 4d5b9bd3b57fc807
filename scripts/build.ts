/**
 * Builds both packages: the library for the root's manifest in dist/library, and the commands, a whole
 * package, in dist/cli. The commands are readable, with their sources in the maps; what starts is a
 * bundle of them.
 */
import { execFileSync } from "node:child_process";
import { cpSync, globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildLibrary } from "./build-library.ts";
import { bundleBuilt } from "./bundle-threads.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const commands = join(root, "dist/cli");

/** dist/cli. */
export async function buildCommands(): Promise<void> {
  rmSync(commands, { recursive: true, force: true });
  execFileSync("tsc", ["-p", "tsconfig.cli.json"], { cwd: root, stdio: "inherit" });
  const peers = "stress/scaling/native/peers.c";
  cpSync(join(root, peers), join(commands, "dist", peers));
  await bundleBuilt(join(commands, "dist"));
  cpSync(join(root, "cli"), commands, { recursive: true });
  cpSync(join(root, "docs"), join(commands, "docs"), { recursive: true });
  const also = ["bin/slablab-cli.js", ...globSync("LICENSE*", { cwd: root })];
  for (const file of also) cpSync(join(root, file), join(commands, file));
}

if (import.meta.main) {
  await buildLibrary();
  await buildCommands();
}
