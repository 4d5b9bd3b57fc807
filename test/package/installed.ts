/** Folders outside of the tree, with what a user would install there. */
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = fileURLToPath(new URL("../../", import.meta.url));

const run = promisify(execFile);

interface Packed {
  readonly tarball: string;
  readonly unpackedSize: number;
  readonly files: readonly string[];
}

/** The tarball of the package that `folder` holds, as it would be published, in `into`. */
export function pack(folder: string, into: string): Packed {
  const options = ["--ignore-scripts", "--json", "--pack-destination", into];
  const [packed] = JSON.parse(
    execFileSync("npm", ["pack", ...options], { cwd: folder, encoding: "utf8" }),
  );
  return {
    tarball: join(into, packed.filename),
    unpackedSize: packed.unpackedSize,
    files: packed.files.map(({ path }: { path: string }) => path),
  };
}

/** An empty project of a user's. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), "slablab-"));

  constructor() {
    this.write({ "package.json": '{ "type": "module", "private": true }' });
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, name)), { recursive: true });
      writeFileSync(join(this.folder, name), text);
    }
  }

  /** Tarballs, or `name@version` of the registry. */
  install(...packages: readonly string[]): void {
    const quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
    execFileSync("npm", ["install", ...quiet, ...packages], { cwd: this.folder, stdio: "inherit" });
  }

  /** How a program ends that is started there. */
  async run(program: string, ...args: readonly string[]) {
    const { stdout, stderr } = await run(program, args, { cwd: this.folder });
    return { stdout, stderr };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}
