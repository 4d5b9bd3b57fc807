// SPDX-License-Identifier: GPL-2.0-only
/**
 * The allocator of AssemblyScript's runtime: two-level segregated fit (Masmano et al. 2004). Its own
 * compiler makes the module, from its own source; the root of the free lists lies in shared memory,
 * so that each thread's instance finds the same heap.
 */
import { layoutOf, type SharedMachine } from "../../../src/machine/machine.ts";
import type { PlainAllocator } from "./locked.ts";

/** Behind the runtime's own text: its heap, with the root where we want it. */
const ENTRIES = `
export function open(root: usize, end: usize): void {
  memory.fill(root, 0, ROOT_SIZE);
  addMemory(changetype<Root>(root), root + ROOT_SIZE, end);
}
export function malloc(root: usize, size: usize): usize {
  return changetype<usize>(allocateBlock(changetype<Root>(root), size)) + BLOCK_OVERHEAD;
}
export function release(root: usize, object: usize): void {
  freeBlock(changetype<Root>(root), changetype<Block>(object - BLOCK_OVERHEAD));
}
`;

/** The runtime's source as a module of its own, beside the stub that the compiler puts in. */
function source(library: Readonly<Record<string, string>>): string {
  const text = library["rt/tlsf"]?.replaceAll("@global", "");
  if (text === undefined) throw new Error("this AssemblyScript has no rt/tlsf");
  return (
    text.replaceAll(/from "\.\/(\w+)"/g, 'from "rt/$1"').replace("../util/", "util/") + ENTRIES
  );
}

/** Room for the module's own constants, before the heap. */
const STATIC_BYTES = 65_536;

/** Compiles the module for a machine of that layout; the bytes may be posted to any thread. */
export async function compileTlsf(machine: SharedMachine): Promise<Uint8Array> {
  const { default: asc } = await import("assemblyscript/asc");
  const text = source(asc.libraryFiles);
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      "tlsf.ts",
      ...["--outFile", "tlsf.wasm", "--runtime", "stub", "--use", "abort=", "-O3", "--noAssert"],
      ...["--importMemory", "--sharedMemory", "--enable", "threads"],
      ...["--initialMemory", "256", "--maximumMemory", "32768"],
      ...["--memoryBase", String(layoutOf(machine.options).free)],
    ],
    {
      readFile: (name: string) => (name === "tlsf.ts" ? text : null),
      writeFile: (name: string, contents: unknown) => {
        if (name === "tlsf.wasm") wasm = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (wasm === undefined) throw new Error(`asc: ${error?.message}\n${stderr.toString()}`);
  return wasm;
}

interface TlsfModule {
  open(root: number, end: number): void;
  malloc(root: number, size: number): number;
  release(root: number, object: number): void;
}

/** The heap in the machine's memory; the first thread lays it out, before the others come. */
export function tlsf(machine: SharedMachine, wasm: Uint8Array, isFirst: boolean): PlainAllocator {
  const { memory, options } = machine;
  const module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
  const instance = new WebAssembly.Instance(module, {
    env: { memory: memory as WebAssembly.Memory },
  });
  const tlsf = instance.exports as unknown as TlsfModule;
  const { free, end } = layoutOf(options);
  const root = free + STATIC_BYTES;
  if (isFirst) tlsf.open(root, end);
  return {
    malloc: (size) => tlsf.malloc(root, size),
    free: (object) => tlsf.release(root, object),
  };
}
