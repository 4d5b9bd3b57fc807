// SPDX-License-Identifier: MIT
/**
 * What the library uses of the platform, typed here: the library needs neither `dom` nor the types of
 * Node. Each thing is looked up when it is used, since not every thread has all of it: an
 * AudioWorklet has no `performance`, a page no `process`.
 */

/** A WebAssembly.Memory, as far as the machine cares. */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}

interface Platform {
  readonly WebAssembly: {
    readonly Memory: new (sizes: { initial: number; maximum: number; shared: true }) => WasmMemory;
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: object };
  };
  readonly performance?: { now(): number };
  readonly process?: {
    cwd?(): string;
    threadCpuUsage?(): { readonly user: number; readonly system: number };
  };
}

export const platform = globalThis as unknown as Platform;

/** V8 keeps this many frames of a stack; elsewhere the number means nothing. */
export const StackError = Error as ErrorConstructor & { stackTraceLimit: number };

/** Milliseconds from a fixed moment; only differences mean anything. */
export function now(): number {
  return platform.performance?.now() ?? Date.now();
}
