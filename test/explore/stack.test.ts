import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "slablab-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.each(["ts", "js"])(
  "a stack ends at the engine, engine.%s, without its callers",
  (extension) => {
    const explore = join(folder, extension, "explore");
    mkdirSync(explore, { recursive: true });
    const source = fileURLToPath(new URL("../../src/explore/stack.ts", import.meta.url));
    copyFileSync(source, join(explore, "stack.ts"));
    writeFileSync(
      join(explore, `engine.${extension}`),
      "export const run = (operation) => operation();",
    );
    const main = join(folder, extension, "main.mjs");
    writeFileSync(
      main,
      `import { run } from "./explore/engine.${extension}";
     import { framesHere } from "./explore/stack.ts";
     function operation() { return framesHere(); }
     console.log(JSON.stringify(run(operation).map((frame) => frame.function)));`,
    );
    expect(JSON.parse(execFileSync(process.execPath, [main], { encoding: "utf8" }))).toEqual([
      "operation",
    ]);
  },
);
