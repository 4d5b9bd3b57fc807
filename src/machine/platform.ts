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

/** Whether it is one, and not just the bytes of one: then Atomics must do for instructions. */
export function isWasmMemory(memory: WasmMemory): boolean {
  return memory instanceof platform.WebAssembly.Memory;
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

/** Whether threads can share it. */
export function isShared(memory: unknown): boolean {
  if (memory instanceof SharedArrayBuffer) return true;
  const isMemory = memory instanceof platform.WebAssembly.Memory;
  return isMemory && memory.buffer instanceof SharedArrayBuffer;
}

/** Bytes that are shared, as a memory. */
export function memoryOf(shared: WasmMemory | SharedArrayBuffer): WasmMemory {
  return shared instanceof SharedArrayBuffer ? { buffer: shared } : shared;
}

/** V8 keeps this many frames of a stack; elsewhere the number means nothing. */
export const StackError = Error as ErrorConstructor & { stackTraceLimit: number };

/** Milliseconds from a fixed moment; only differences mean anything. */
export function now(): number {
  return platform.performance?.now() ?? Date.now();
}

type WaitAsync = (
  words: Int32Array,
  at: number,
  value: number,
) => { readonly async: boolean; readonly value: PromiseLike<unknown> };

/** Atomics.waitAsync, where there is one. */
export const waitAsync: WaitAsync | undefined = (Atomics as { waitAsync?: WaitAsync }).waitAsync;

/** Tells the processor that the thread spins. */
export const pause: () => void =
  (Atomics as { pause?: () => void }).pause?.bind(Atomics) ?? (() => undefined);

let blocks: boolean | undefined;

/** Whether this thread may sleep on a word; the answer is the agent's [[CanBlock]]. */
export function mayBlock(): boolean {
  blocks ??= canBlock();
  return blocks;
}

function canBlock(): boolean {
  try {
    // The word is 0, so where waiting is allowed the answer comes at once.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false;
  }
}
