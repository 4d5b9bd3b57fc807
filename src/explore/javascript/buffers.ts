// SPDX-License-Identifier: MIT
/**
 * The shared buffers of a program under exploration. The program holds real SharedArrayBuffers, but
 * their bytes lie in the explored memory: the buffers themselves stay as they were, and a change of
 * theirs shows that some code went around the explorer.
 */
import type { Address } from "../../machine/memory.ts";
import type { ExploredMemory } from "../explored-memory.ts";
import { NotExplorable } from "../failure.ts";
import type { Described } from "../world.ts";
import { type ElementType, INT32 } from "./element-types.ts";

const roundUp = (bytes: number): number => (bytes + 7) & ~7;

/** Bytes of explored memory that buffers of these sizes need. */
export function roomFor(sizes: readonly number[]): number {
  return sizes.reduce((sum, bytes) => sum + roundUp(bytes), 0);
}

interface Placed {
  readonly name: string;
  readonly buffer: SharedArrayBuffer;
  readonly base: Address;
  /** The words as the program gave them. */
  readonly given: Int32Array;
}

export class Buffers {
  private readonly memory: ExploredMemory;
  private readonly placed: readonly Placed[];
  private readonly byBuffer: ReadonlyMap<unknown, Placed>;
  /** By address: the type of the first array seen over it, for reports. */
  private readonly types = new Map<Address, ElementType>();
  private readonly names: ReadonlyMap<Address, string>;

  /** Lays `buffers` one after the other from `base` on. `names`: of words of the first buffer. */
  constructor(
    memory: ExploredMemory,
    base: Address,
    buffers: Readonly<Record<string, SharedArrayBuffer>>,
    names: Readonly<Record<string, number>>,
  ) {
    this.memory = memory;
    let at = base;
    this.placed = Object.entries(buffers).map(([name, buffer]) => {
      const placed = { name, buffer, base: at, given: wordsOf(buffer) };
      at += roundUp(buffer.byteLength);
      return placed;
    });
    this.byBuffer = new Map(this.placed.map((placed) => [placed.buffer, placed]));
    this.names = new Map(Object.entries(names).map(([name, word]) => [base + 4 * word, name]));
  }

  /** Gives the explored memory the bytes that the program gave. */
  fill(): void {
    for (const { base, given } of this.placed) {
      given.forEach((word, i) => {
        if (word !== 0) this.memory.write32(base + 4 * i, word);
      });
    }
  }

  /** Where the buffer's bytes lie, or undefined: it is not under exploration. */
  baseOf(buffer: unknown): Address | undefined {
    return this.byBuffer.get(buffer)?.base;
  }

  /** An array of `type` has been made over the bytes from `address` on. */
  typed(address: Address, bytes: number, type: ElementType): void {
    for (let at = address; at < address + bytes; at += type.bytes) {
      if (this.types.has(at)) return;
      this.types.set(at, type);
    }
  }

  /** @throws NotExplorable if the bytes of a buffer itself have changed. */
  checkUntouched(): void {
    for (const { name, buffer, given } of this.placed) {
      const now = wordsOf(buffer);
      const at = given.findIndex((word, i) => word !== now[i]);
      if (at < 0) continue;
      throw new NotExplorable(
        `byte ${4 * at} of ${name} was written by an array that is not under exploration: make ` +
          "typed arrays inside the tasks, and call Atomics by its name",
      );
    }
  }

  /** `words[3]`, or the name that the program gave to the word. Undefined: no buffer lies there. */
  describe(address: Address): Described | undefined {
    const here = this.placed.find(
      ({ base, buffer }) => address >= base && address < base + buffer.byteLength,
    );
    if (here === undefined) return undefined;
    const type = this.types.get(address) ?? INT32;
    const index = Math.floor((address - here.base) / type.bytes);
    const name = this.names.get(address) ?? `${here.name}[${index}]`;
    return { name, field: name };
  }
}

/** A copy of the buffer's words; bytes behind the last whole word do not count. */
function wordsOf(buffer: SharedArrayBuffer): Int32Array {
  return new INT32.array(buffer, 0, buffer.byteLength >> 2).slice() as Int32Array;
}
