// SPDX-License-Identifier: MIT
/**
 * The atomic instructions in their two forms, with one meaning: sequentially consistent.
 *
 * `wasm`: each is one instruction in a module assembled from atomics.wat. `atomics`: the same by the
 * language's own Atomics, where a double word is a BigInt composed for each operation.
 */
import { atomicsWasm } from "./atomics.wasm.ts";
import type { AtomicInstructions } from "./direct-memory.ts";
import { platform, type WasmMemory } from "./platform.ts";

export type AtomicsKind = "wasm" | "atomics";

export function wasmInstructions(memory: WasmMemory): AtomicInstructions {
  const { Instance, Module } = platform.WebAssembly;
  const bytes = Uint8Array.from(atomicsWasm.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16));
  const instance = new Instance(new Module(bytes), { machine: { memory } });
  return instance.exports as AtomicInstructions;
}

export function atomicsInstructions(buffer: SharedArrayBuffer): AtomicInstructions {
  const words = new Int32Array(buffer);
  const doubles = new BigInt64Array(buffer);
  const both = (low: number, high: number): bigint =>
    BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low >>> 0));
  return {
    load: (address) => Atomics.load(words, address >> 2),
    store: (address, value) => {
      Atomics.store(words, address >> 2, value);
    },
    cmpxchg: (address, expected, desired) =>
      Atomics.compareExchange(words, address >> 2, expected, desired),
    cmpxchgDouble: (address, expectedLow, expectedHigh, desiredLow, desiredHigh) => {
      const expected = both(expectedLow, expectedHigh);
      const desired = both(desiredLow, desiredHigh);
      return Atomics.compareExchange(doubles, address >> 3, expected, desired) === expected ? 1 : 0;
    },
    xchg: (address, value) => Atomics.exchange(words, address >> 2, value),
    add: (address, n) => Atomics.add(words, address >> 2, n),
  };
}
