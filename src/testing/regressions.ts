// SPDX-License-Identifier: MIT
/**
 * Tokens of failures that a test has found before, in `regressions/` of the working directory: one
 * file a test, one token a line. They are replayed before a search, so that an old failure is back at
 * once. With SLABLAB_UPDATE=1 a failure is added, and what no longer fails is taken out.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = "regressions";

export class Regressions {
  private readonly path: string;
  readonly isUpdating: boolean;

  constructor(program: string) {
    this.path = join(process.cwd(), FOLDER, `${program.replaceAll(/[^\w.-]+/g, "-")}.tokens`);
    this.isUpdating = process.env.SLABLAB_UPDATE === "1";
  }

  /** None where there is no file. */
  get tokens(): readonly string[] {
    try {
      return readFileSync(this.path, "utf8").split("\n").filter(Boolean);
    } catch (thrown) {
      if ((thrown as { code?: string }).code === "ENOENT") return [];
      throw thrown;
    }
  }

  /** Keeps these tokens and no others. */
  keep(tokens: readonly string[]): void {
    if (tokens.length === 0) {
      rmSync(this.path, { force: true });
      return;
    }
    mkdirSync(join(this.path, ".."), { recursive: true });
    writeFileSync(this.path, tokens.map((token) => `${token}\n`).join(""));
  }
}
