// SPDX-License-Identifier: GPL-2.0-only
/** A thread of the stress page: allocates and frees objects that it hands to the other threads. */
import { attach, boot, KernelBug, MIB, type SharedKernel } from "../../src/kernel/index.ts";

/** The first thread boots, the others attach to what it has booted. */
export interface Started {
  readonly cpus: number;
  readonly allocator: "slub" | "slab";
  readonly shared?: SharedKernel;
  /** Objects that any thread may take and free, and a word that is set when the time is over. */
  readonly shelf: Int32Array;
}

export type Told =
  | { readonly kind: "booted"; readonly shared: SharedKernel }
  | { readonly kind: "progress"; readonly operations: number }
  | { readonly kind: "ended"; readonly operations: number; readonly error?: string };

const scope = globalThis as unknown as { onmessage: (event: { data: Started }) => void };
const tell = (told: Told): void => postMessage(told);

const ROUNDS_BETWEEN_REPORTS = 20_000;
const LARGEST = 1000;

/** The last word of the shelf. */
export const isOver = (shelf: Int32Array): boolean => Atomics.load(shelf, shelf.length - 1) !== 0;

scope.onmessage = ({ data: { cpus, allocator, shared, shelf } }) => {
  const kernel =
    shared === undefined ? boot({ cpus, allocator, memory: 32 * MIB }) : attach(shared);
  if (shared === undefined) tell({ kind: "booted", shared: kernel.shared });
  let operations = 0;
  let seed = kernel.task + 1;
  const chance = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  try {
    while (!isOver(shelf)) {
      for (let round = 0; round < ROUNDS_BETWEEN_REPORTS; round++) {
        const size = 8 + chance(LARGEST);
        const mine = kernel.kmalloc(size);
        if (mine === 0) continue;
        const mark = kernel.view8(mine);
        mark.fill(size & 0xff, 0, 8);
        const other = Atomics.exchange(shelf, chance(shelf.length - 1), mine);
        if (other !== 0) {
          const bytes = kernel.view8(other);
          if (bytes.subarray(0, 8).some((byte) => byte !== bytes[0])) {
            throw new Error(`an object at ${other} was written by two owners`);
          }
          kernel.kfree(other);
        }
        operations += 2;
      }
      tell({ kind: "progress", operations });
    }
    tell({ kind: "ended", operations });
  } catch (thrown) {
    const error = thrown instanceof KernelBug ? thrown.message : String(thrown);
    tell({ kind: "ended", operations, error });
  }
  kernel.detach();
};
