// SPDX-License-Identifier: GPL-2.0-only
/** The one JSON document that every command prints under `--json`. */
import { availableParallelism } from "node:os";
import type { ReportSource } from "../report/page.ts";

export interface Environment {
  readonly node: string;
  readonly platform: string;
  readonly arch: string;
  readonly cores: number;
}

/** What a result may depend on besides its options. */
export function environment(): Environment {
  return {
    node: process.versions.node,
    platform: process.platform,
    arch: process.arch,
    cores: availableParallelism(),
  };
}

/** What a page says of its origin. */
export function reportSource(): ReportSource {
  const command = ["slablab", ...process.argv.slice(2)].join(" ");
  return { command, environment: { ...environment() } };
}

/** A command's result with its schema, environment and options, as text ending in a newline. */
export function jsonDocument(
  command: string,
  options: Readonly<Record<string, unknown>>,
  result: Readonly<Record<string, unknown>>,
): string {
  const schema = `slablab/${command}/1`;
  return `${JSON.stringify({ schema, environment: environment(), options, ...result }, null, 2)}\n`;
}
