// SPDX-License-Identifier: GPL-2.0-only
/**
 * TypeScript that a user has typed, as a module. Its types are blanked out by the same stripper that
 * Node has, compiled to WebAssembly, so that lines stay where they are.
 */

import type { Laboratory } from "./laboratory.ts";

/** The text of the module, and the path by which stacks name it. */
export interface UserModule {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly path: string;
}

interface Stripper {
  default(options: { module_or_path: URL }): Promise<unknown>;
  transformSync(code: string, options: object): { readonly code: string };
}

const LIBRARY: Readonly<Record<string, string>> = {
  "slablab/explore": "src/explore/index.js",
  "slablab/laboratory": "src/laboratory/index.js",
};

const IMPORT = /(\bfrom\s*|\bimport\s*)(["'])([^"']+)\2/g;

let stripper: Stripper | undefined;

async function strip(text: string, lab: Laboratory): Promise<string> {
  if (stripper === undefined) {
    const loaded: Stripper = await import(new URL("strip/wasm.js", lab.at).href);
    await loaded.default({ module_or_path: new URL("strip/wasm_bg.wasm", lab.at) });
    stripper = loaded;
  }
  try {
    return stripper.transformSync(text, { mode: "strip-only", filename: "program.ts" }).code;
  } catch (thrown) {
    throw new SyntaxError(complaintOf(thrown));
  }
}

/** The stripper throws its message with a drawing of the place. */
function complaintOf(thrown: unknown): string {
  const { message = String(thrown), startLine } = Object(thrown);
  const where = startLine === undefined ? "program.ts" : `program.ts:${startLine}`;
  return `${where}: ${String(message).replace(/\s+/g, " ").trim()}`;
}

/** @throws SyntaxError, or what the module throws. */
export async function loadUserModule(text: string, lab: Laboratory): Promise<UserModule> {
  const stripped = await strip(text, lab);
  const code = stripped.replace(IMPORT, (_, before: string, quote: string, name: string) => {
    const file = LIBRARY[name];
    if (file === undefined) {
      throw new SyntaxError(
        `program.ts: cannot import "${name}"; ${Object.keys(LIBRARY).join(" and ")} are there`,
      );
    }
    return `${before}${quote}${lab.addressOf(file)}${quote}`;
  });
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    const exports = await import(address);
    return { exports, path: new URL(new URL(address).pathname).pathname };
  } finally {
    URL.revokeObjectURL(address);
  }
}
