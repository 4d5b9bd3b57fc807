/** The library in a user's folder. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundled } from "../bundled.ts";

const entry = new URL("../../src/kernel/index.ts", import.meta.url);

/** Makes `folder` one in which `import "slablab"` finds the library of this tree. */
export async function installLibrary(folder: string): Promise<void> {
  const installed = join(folder, "node_modules", "slablab");
  await mkdir(installed, { recursive: true });
  await writeFile(join(installed, "package.json"), '{ "type": "module", "exports": "./index.js" }');
  await writeFile(join(installed, "index.js"), await bundled(entry));
}
