// SPDX-License-Identifier: GPL-2.0-only
/** A thread of the stress page: allocates and frees objects that it hands to the other threads. */
import { attach, boot, KernelBug, MIB } from "../../src/kernel/index.ts";
import { OVER, type Started, type Told, WAIT } from "./stress-protocol.ts";

const scope = globalThis as unknown as { onmessage: (event: { data: Started }) => void };
const tell = (told: Told): void => postMessage(told);

const ROUNDS_BETWEEN_REPORTS = 20_000;
const LARGEST = 1000;

scope.onmessage = ({ data: { cpus, allocator, shared, shelf } }) => {
  const kernel =
    shared === undefined ? boot({ cpus, allocator, memory: 32 * MIB }) : attach(shared);
  const order = shelf.length - 1;
  tell({ kind: "ready", shared: kernel.shared });
  Atomics.wait(shelf, order, WAIT);
  let operations = 0;
  let seed = kernel.task + 1;
  const chance = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  try {
    while (Atomics.load(shelf, order) !== OVER) {
      for (let round = 0; round < ROUNDS_BETWEEN_REPORTS; round++) {
        const size = 8 + chance(LARGEST);
        const mine = kernel.kmalloc(size);
        if (mine === 0) continue;
        const mark = kernel.view8(mine);
        mark.fill(size & 0xff, 0, 8);
        const other = Atomics.exchange(shelf, chance(order), mine);
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
