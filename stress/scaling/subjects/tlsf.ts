/**
 * The allocator of AssemblyScript's runtime: two-level segregated fit (Masmano et al. 2004). Its own
 * compiler makes the module, from its own source; the root of the free lists lies in shared memory,
 * so that each thread's instance finds the same heap.
 */
import { layoutOf, type SharedMachine } from "../../../src/machine/machine.ts";
import type { PlainAllocator } from "./locked.ts";

const SOURCE = `
import { Root, Block, allocateBlock, freeBlock, addMemory } from "rt/tlsf";
const ROOT_BYTES: usize = 4096;
const OVERHEAD: usize = 4;
export function open(root: usize, end: usize): void {
  memory.fill(root, 0, ROOT_BYTES);
  addMemory(changetype<Root>(root), root + ROOT_BYTES, end);
}
export function malloc(root: usize, size: usize): usize {
  return changetype<usize>(allocateBlock(changetype<Root>(root), size)) + OVERHEAD;
}
export function free(root: usize, object: usize): void {
  freeBlock(changetype<Root>(root), changetype<Block>(object - OVERHEAD));
}
`;

/** Room for the module's own constants, before the heap. */
const STATIC_BYTES = 65_536;

/** Compiles the module for a machine of that layout; the bytes may be posted to any thread. */
export async function compileTlsf(machine: SharedMachine): Promise<Uint8Array> {
  const { default: asc } = await import("assemblyscript/asc");
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      "tlsf.ts",
      ...["--outFile", "tlsf.wasm", "--runtime", "stub", "--use", "abort=", "-O3", "--noAssert"],
      ...["--importMemory", "--sharedMemory", "--enable", "threads"],
      ...["--initialMemory", "1", "--maximumMemory", "32768"],
      ...["--memoryBase", String(layoutOf(machine.options).free)],
    ],
    {
      readFile: (name: string) => (name === "tlsf.ts" ? SOURCE : null),
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
  free(root: number, object: number): void;
}

/** The heap in the machine's memory; the first thread lays it out, before the others come. */
export function tlsf(machine: SharedMachine, wasm: Uint8Array, isFirst: boolean): PlainAllocator {
  const { memory, options } = machine;
  const module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const tlsf = instance.exports as unknown as TlsfModule;
  const { free, end } = layoutOf(options);
  const root = free + STATIC_BYTES;
  if (isFirst) tlsf.open(root, end);
  return {
    malloc: (size) => tlsf.malloc(root, size),
    free: (object) => tlsf.free(root, object),
  };
}
