// SPDX-License-Identifier: GPL-2.0-only
/** What threads agree on about a kernel, and how one finds it in a memory that it is given. */
import { trackedBytes } from "../caches/kmemleak/tracked-objects.ts";
import { AttachError, readHeader } from "../machine/header.ts";
import { shadowBytes } from "../machine/kasan-shadow.ts";
import { bytesOf, type MachineOptions, PAGE_SIZE, type SharedMachine } from "../machine/machine.ts";
import { checkedOptions, named, OBJECT } from "../machine/option-check.ts";
import { isShared, memoryOf, type WasmMemory } from "../machine/platform.ts";
import { type BootedOptions, growthOf, type MemoryRegion, REGION_KINDS } from "./boot-options.ts";

/** Plain data, which may be posted to any worker. */
export interface SharedKernel {
  readonly machine: SharedMachine;
  readonly options: BootedOptions;
}

export function machineOptions(options: BootedOptions): MachineOptions {
  const { cpus, maximum: memory, tasks, checker, seed, offset: start } = options;
  const atomics = options.swap === "atomics" ? "atomics" : "wasm";
  const growth = growthOf(options);
  const nodes = options.nodes + growth.nodes;
  let shadow = options.kasan === false ? 0 : shadowBytes(memory);
  if (options.kmemcheck !== false) shadow = memory;
  if (options.kmemleak) shadow += trackedBytes(memory);
  return { cpus, nodes, growth, memory, tasks, checker, shadow, atomics, seed, start };
}

/** What leads to a booted kernel: `kernel.shared`, or its memory alone; all else is in its header. */
export type Attachable =
  | SharedKernel
  | WasmMemory
  | SharedArrayBuffer
  | Pick<MemoryRegion, "buffer" | "offset">;

/** The kernel that has been booted there, by its header. */
export function bootedIn(shared: Attachable): SharedKernel {
  const { memory, start } = whereOf(shared);
  const text = readHeader(memory, start);
  const options: BootedOptions = JSON.parse(text);
  if (memory.buffer.byteLength < start + bytesOf(machineOptions(options))) {
    throw new AttachError(
      `attach: the kernel has ${options.maximum} bytes, and this memory has ${memory.buffer.byteLength}`,
    );
  }
  if (isSharedKernel(shared) && JSON.stringify(shared.options) !== JSON.stringify(options)) {
    throw new AttachError("attach: the kernel in this memory was booted with other options");
  }
  return { machine: { memory, options: machineOptions(options) }, options };
}

function isSharedKernel(shared: Attachable): shared is SharedKernel {
  return OBJECT.is(shared) && "machine" in shared;
}

/** A typed array has such a buffer as well, and says nothing of where a kernel begins. */
function isRegion(shared: Attachable): boolean {
  return (
    OBJECT.is(shared) && isShared((shared as MemoryRegion).buffer) && !("byteOffset" in shared)
  );
}

function whereOf(shared: Attachable): { memory: WasmMemory; start: number } {
  if (OBJECT.is(shared) && isShared(shared))
    return { memory: memoryOf(shared as WasmMemory), start: 0 };
  if (isSharedKernel(shared)) {
    const { machine, options } = shared;
    if (isShared(machine?.memory) || isShared(machine?.memory?.buffer)) {
      return { memory: machine.memory, start: options?.offset ?? 0 };
    }
  } else if (isRegion(shared)) {
    const { buffer, offset = 0 } = checkedOptions("attach", shared as MemoryRegion, REGION_KINDS);
    if (Number.isInteger(offset) && offset >= 0 && offset % PAGE_SIZE === 0) {
      return { memory: memoryOf(buffer), start: offset };
    }
    throw new AttachError(`attach: offset must be a multiple of ${PAGE_SIZE}, not ${offset}`);
  }
  throw new AttachError(
    `attach: ${named(shared)} is neither kernel.shared nor the shared memory of a kernel`,
  );
}
