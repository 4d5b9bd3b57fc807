// SPDX-License-Identifier: GPL-2.0-only
/** The digest of the code that runs jobs. Machines of other code may give other answers. */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Of the sources, or of what was built of them. */
const root = fileURLToPath(new URL("../", import.meta.url));

export function sourceHash(): string {
  const hash = createHash("sha256");
  for (const file of globSync("{src,workers}/**/*.{js,ts}", { cwd: root }).sort()) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update("\0");
  }
  return hash.digest("hex");
}
