// SPDX-License-Identifier: MIT
/** Elements of explored buffers, as plain code and Atomics reach them. */
import type { Address } from "../../machine/memory.ts";
import type { ExploredMemory } from "../explored-memory.ts";
import type { ElementType } from "./element-types.ts";

type Element = number | bigint;

/** A plain read. One of eight bytes is two accesses: it may tear. */
export function readElement(memory: ExploredMemory, type: ElementType, at: Address): Element {
  switch (type.bytes) {
    case 1:
      return type.fromWords(memory.read8(at), 0);
    case 2:
      return type.fromWords(memory.read16(at), 0);
    case 4:
      return type.fromWords(memory.read32(at), 0);
    default: {
      const low = memory.read32(at);
      return type.fromWords(low, memory.read32(at + 4));
    }
  }
}

/** A plain write; see readElement. */
export function writeElement(
  memory: ExploredMemory,
  type: ElementType,
  at: Address,
  value: unknown,
): void {
  const [low, high] = type.toWords(value);
  if (type.bytes === 1) memory.write8(at, low);
  else if (type.bytes === 2) memory.write16(at, low);
  else {
    memory.write32(at, low);
    if (type.bytes === 8) memory.write32(at + 4, high);
  }
}

/**
 * Reads the element and writes what `change` makes of it, in one step and as a full barrier. Returns
 * the element as it was.
 */
export function updateElement(
  memory: ExploredMemory,
  type: ElementType,
  at: Address,
  change: (found: Element) => unknown,
): Element {
  const { bytes } = type;
  const mask = bytes < 4 ? 2 ** (8 * bytes) - 1 : -1;
  const shift = (at & 3) * 8;
  const word = at & ~3;
  const [low, high] = memory.atomically(word, Math.max(bytes, 4), (words) => {
    const found: [number, number] = [words.read(word), bytes === 8 ? words.read(word + 4) : 0];
    const element = type.fromWords((found[0] >>> shift) & mask, found[1]);
    const [newLow, newHigh] = type.toWords(change(element));
    words.write(word, (found[0] & ~(mask << shift)) | ((newLow & mask) << shift));
    if (bytes === 8) words.write(word + 4, newHigh);
    return found;
  });
  return type.fromWords((low >>> shift) & mask, high);
}
