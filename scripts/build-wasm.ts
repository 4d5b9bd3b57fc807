/**
 * Assembles src/machine/atomics.wat into src/machine/atomics.wasm.ts, which holds the bytes as text,
 * so that a program that imports the library needs neither an assembler nor a file to load.
 * The result is checked in; test/machine/wasm.test.ts compares it with what this file makes.
 */
import { readFile, writeFile } from "node:fs/promises";
import wabt from "wabt";

const source = new URL("../src/machine/atomics.wat", import.meta.url);
const target = new URL("../src/machine/atomics.wasm.ts", import.meta.url);

/**
 * The text of a TypeScript module that exports `wat`, assembled, as hexadecimal digits. Throws an Error where
 * the text does not parse and a WebAssembly.CompileError where the engine refuses the module.
 */
export async function assemble(wat: string): Promise<string> {
  const { parseWat } = await wabt();
  const { buffer } = parseWat("atomics.wat", wat, { threads: true }).toBinary({});
  const bytes = Uint8Array.from(buffer);
  new WebAssembly.Module(bytes);
  return [
    "// SPDX-License-Identifier: MIT",
    "// Made from atomics.wat by `npm run build:wasm`; not edited by hand.",
    "export const atomicsWasm =",
    `  "${Buffer.from(bytes).toString("hex")}";`,
    "",
  ].join("\n");
}

if (import.meta.main) {
  await writeFile(target, await assemble(await readFile(source, "utf8")));
}
