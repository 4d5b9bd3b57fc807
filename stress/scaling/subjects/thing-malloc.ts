// SPDX-License-Identifier: GPL-2.0-only
/** @thi.ng/malloc, npm's best known: lists of used and free blocks, freeing searches the former. */
import type { SharedMachine } from "../../../src/machine/machine.ts";
import { layoutOf } from "../../../src/machine/machine.ts";
import type { PlainAllocator } from "./locked.ts";

/** A pool over the machine's memory; the first thread lays it out, before the others come. */
export async function thingMalloc(
  machine: SharedMachine,
  isFirst: boolean,
): Promise<PlainAllocator> {
  const { MemPool } = await import("@thi.ng/malloc");
  const { free, end } = layoutOf(machine.options);
  return new MemPool({
    buf: machine.memory.buffer,
    start: free,
    end,
    skipInitialization: !isFirst,
  });
}
