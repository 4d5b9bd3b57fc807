// SPDX-License-Identifier: MIT
/** DataView over explored buffers. What is not aligned is read and written byte by byte: it may tear. */
import type { Address } from "../../machine/memory.ts";
import type { ExploredMemory } from "../explored-memory.ts";
import type { Buffers } from "./buffers.ts";
import { ELEMENT_TYPES, type ElementType } from "./element-types.ts";
import { readElement, writeElement } from "./elements.ts";

const RealDataView = DataView;
const BYTE = ELEMENT_TYPES.get("Uint8Array") as ElementType;

export class DataViews {
  private readonly memory: ExploredMemory;
  private readonly buffers: Buffers;
  private readonly made = new WeakSet<object>();

  constructor(memory: ExploredMemory, buffers: Buffers) {
    this.memory = memory;
    this.buffers = buffers;
  }

  /** Undefined: `buffer` is not under exploration. @throws RangeError as DataView does. */
  over(buffer: unknown, byteOffset?: number, byteLength?: number): DataView | undefined {
    const base = this.buffers.baseOf(buffer);
    if (base === undefined) return undefined;
    const real = new RealDataView(buffer as SharedArrayBuffer, byteOffset, byteLength);
    const view = new Proxy(real, {
      get: (_, key) => {
        const [, verb, name] = /^(get|set)(\w+)$/.exec(String(key)) ?? [];
        const type = ELEMENT_TYPES.get(`${name}Array`);
        if (type === undefined) return Reflect.get(real, key, real);
        if (verb === "get") {
          return (offset: number, littleEndian?: boolean) =>
            this.read(type, base + placeIn(real, offset, type), littleEndian === true);
        }
        return (offset: number, value: unknown, littleEndian?: boolean) =>
          this.write(type, base + placeIn(real, offset, type), value, littleEndian === true);
      },
    });
    this.made.add(view);
    return view;
  }

  has(view: unknown): boolean {
    return typeof view === "object" && view !== null && this.made.has(view);
  }

  private read(type: ElementType, at: Address, littleEndian: boolean): number | bigint {
    if (littleEndian && at % type.bytes === 0) return readElement(this.memory, type, at);
    const bytes = Array.from({ length: type.bytes }, (_, i) => this.memory.read8(at + i));
    if (!littleEndian) bytes.reverse();
    const word = (from: number): number =>
      bytes.slice(from, from + 4).reduce((sum, byte, i) => sum | (byte << (8 * i)), 0);
    return type.fromWords(word(0), word(4));
  }

  private write(type: ElementType, at: Address, value: unknown, littleEndian: boolean): void {
    if (littleEndian && at % type.bytes === 0) {
      writeElement(this.memory, type, at, value);
      return;
    }
    const words = type.toWords(value);
    const bytes = Array.from(
      { length: type.bytes },
      (_, i) => ((words[i >> 2] as number) >>> (8 * (i & 3))) & 0xff,
    );
    if (!littleEndian) bytes.reverse();
    bytes.forEach((byte, i) => {
      writeElement(this.memory, BYTE, at + i, byte);
    });
  }
}

/** Offset in the buffer of an element at `offset` of the view. */
function placeIn(real: DataView, offset: number, { bytes }: ElementType): number {
  const at = Math.trunc(Number(offset)) || 0;
  if (at < 0 || at + bytes > real.byteLength) {
    throw new RangeError("Offset is outside the bounds of the DataView");
  }
  return real.byteOffset + at;
}
