// SPDX-License-Identifier: MIT
/**
 * Structs for programs: names for the bytes of an object.
 *
 *     const Particle = defineStruct({ x: "float64", y: "float64", next: "uint32", name: ["uint8", 12] });
 *     const particle = kernel.view(Particle, kernel.kzalloc(Particle.BYTES_PER_ELEMENT));
 *     particle.x = 1.5;
 *
 * Fields lie in the order in which they are named, each at a multiple of its size, as a C compiler
 * lays them out. Accesses are plain; `Particle.offsets` tells where Atomics find a field.
 */
import { named, OBJECT } from "./option-check.ts";

const ACCESS = {
  int8: [1, "Int8", Int8Array],
  uint8: [1, "Uint8", Uint8Array],
  int16: [2, "Int16", Int16Array],
  uint16: [2, "Uint16", Uint16Array],
  int32: [4, "Int32", Int32Array],
  uint32: [4, "Uint32", Uint32Array],
  float32: [4, "Float32", Float32Array],
  float64: [8, "Float64", Float64Array],
  bigint64: [8, "BigInt64", BigInt64Array],
  biguint64: [8, "BigUint64", BigUint64Array],
} as const;

type Scalar = keyof typeof ACCESS;

/** The type of a field, or of the elements of an array and how many there are. */
export type FieldType = Scalar | readonly [of: Scalar, length: number];

type ValueOf<S extends Scalar> = S extends "bigint64" | "biguint64" ? bigint : number;

/** The fields as a program sees them: an array as a typed array over its bytes. */
export type StructView<F> = {
  -readonly [Name in keyof F as F[Name] extends Scalar ? Name : never]: F[Name] extends Scalar
    ? ValueOf<F[Name]>
    : never;
} & {
  readonly [Name in keyof F as F[Name] extends Scalar ? never : Name]: F[Name] extends readonly [
    infer S extends Scalar,
    number,
  ]
    ? InstanceType<(typeof ACCESS)[S][2]>
    : never;
};

export interface StructClass<F> {
  new (buffer: SharedArrayBuffer, byteOffset: number, length: number): StructView<F>;
  /** Bytes of the struct, with what fills it up. */
  readonly BYTES_PER_ELEMENT: number;
  /** Where each field begins. */
  readonly offsets: { readonly [Name in keyof F]: number };
}

function property(view: symbol, type: FieldType, at: number): PropertyDescriptor & ThisType<never> {
  const [scalar, length] = typeof type === "string" ? [type] : type;
  const [, name, array] = ACCESS[scalar];
  if (length !== undefined) {
    return {
      get(this: Record<symbol, DataView>) {
        const { buffer, byteOffset } = this[view] as DataView;
        return new array(buffer as SharedArrayBuffer & ArrayBuffer, byteOffset + at, length);
      },
      enumerable: true,
    };
  }
  return {
    get(this: Record<symbol, DataView>) {
      return (this[view] as DataView)[`get${name}`](at, true);
    },
    set(this: Record<symbol, DataView>, value: number | bigint) {
      (this[view] as DataView)[`set${name}`](at, value as never, true);
    },
    enumerable: true,
  };
}

/** Array.isArray, for arrays that are readonly. */
function isList<S extends Scalar>(type: S | readonly [S, number]): type is readonly [S, number] {
  return Array.isArray(type);
}

/** @throws RangeError for a field of no type */
export function defineStruct<const F extends Readonly<Record<string, FieldType>>>(
  fields: F,
): StructClass<F> {
  if (!OBJECT.is(fields)) throw new RangeError(`defineStruct: ${named(fields)} names no fields`);
  const view = Symbol("view");
  // A field may have any name, "__proto__" too.
  const properties: PropertyDescriptorMap = Object.create(null);
  const offsets: Record<string, number> = Object.create(null);
  let end = 0;
  let align = 1;
  for (const [name, type] of Object.entries(fields)) {
    const [scalar, length = 1]: readonly [Scalar, number?] = isList(type) ? type : [type];
    if (!Object.hasOwn(ACCESS, scalar) || !Number.isInteger(length) || length < 1) {
      const what = isList(type) ? `[${type.map(named).join(", ")}]` : named(type);
      throw new RangeError(`defineStruct: ${name} has no type ${what}`);
    }
    const [bytes] = ACCESS[scalar];
    const at = Math.ceil(end / bytes) * bytes;
    offsets[name] = at;
    properties[name] = property(view, type, at);
    end = at + bytes * length;
    align = Math.max(align, bytes);
  }
  const bytes = Math.ceil(end / align) * align;
  class Struct {
    static readonly BYTES_PER_ELEMENT = bytes;
    static readonly offsets = offsets;

    constructor(buffer: SharedArrayBuffer, byteOffset: number) {
      const value = new DataView(buffer, byteOffset, bytes);
      // Configurable, or no stand-in of the struct could show a stand-in of the view.
      Object.defineProperty(this, view, { value, configurable: true });
    }
  }
  Object.defineProperties(Struct.prototype, properties);
  return Struct as unknown as StructClass<F>;
}
