// SPDX-License-Identifier: MIT
/** The element types of typed arrays: how large an element is, and which words store a value. */

/** Typed arrays as they are while nothing stands in for them. */
const NUMBERS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
] as const;
const BIG_INTEGERS = [BigInt64Array, BigUint64Array] as const;

export type TypedArray = InstanceType<(typeof NUMBERS)[number] | (typeof BIG_INTEGERS)[number]>;
export type TypedArrayConstructor = new (
  buffer: SharedArrayBuffer,
  byteOffset?: number,
  length?: number,
) => TypedArray;

/** Arrays that Atomics refuses. */
const WITHOUT_ATOMICS = new Set(["Uint8ClampedArray", "Float32Array", "Float64Array"]);
/** Arrays on whose elements Atomics.wait can wait. */
const WITH_WAITING = new Set(["Int32Array", "BigInt64Array"]);

const words = new Int32Array(2);

export class ElementType {
  /** `Int32Array` */
  readonly name: string;
  readonly array: TypedArrayConstructor;
  readonly bytes: number;
  readonly hasAtomics: boolean;
  readonly hasWaiting: boolean;
  private readonly cell: { 0: unknown };

  constructor(array: TypedArrayConstructor) {
    const cell = new array(words.buffer as never, 0, 1);
    this.array = array;
    this.cell = cell as unknown as { 0: unknown };
    this.name = array.name;
    this.bytes = cell.BYTES_PER_ELEMENT;
    this.hasAtomics = !WITHOUT_ATOMICS.has(array.name);
    this.hasWaiting = WITH_WAITING.has(array.name);
  }

  /**
   * The low and the high word of `value`; an element of up to four bytes lies in the low one.
   * @throws TypeError as the array itself would: a number where it wants a bigint.
   */
  toWords(value: unknown): readonly [low: number, high: number] {
    words.fill(0);
    this.cell[0] = value;
    return [words[0] as number, words[1] as number];
  }

  fromWords(low: number, high: number): number | bigint {
    words[0] = low;
    words[1] = high;
    return this.cell[0] as number | bigint;
  }
}

/** By the name of the array. */
export const ELEMENT_TYPES: ReadonlyMap<string, ElementType> = new Map(
  [...NUMBERS, ...BIG_INTEGERS].map((array) => [
    array.name,
    new ElementType(array as unknown as TypedArrayConstructor),
  ]),
);

export const INT32 = ELEMENT_TYPES.get("Int32Array") as ElementType;
