// SPDX-License-Identifier: MIT
/**
 * Layouts, declared once: `struct("page", { flags: word, freelist: ptr, … })` yields the byte offset
 * of each field under its name, and the list of fields from which a report names any address.
 *
 *     memory.read32(page + Page.freelist)
 *
 * Every field is made of 32-bit words. Offsets follow the order of declaration, aligned as asked.
 */
export type FieldKind = "word" | "pointer" | "list" | "lock" | "array" | "struct";

/** A field's shape before it has an offset: bytes, and what the words mean. */
export interface FieldType {
  readonly bytes: number;
  readonly align: number;
  readonly kind: FieldKind;
  readonly of?: Struct<FieldTypes>;
}

export interface Field extends FieldType {
  readonly name: string;
  readonly offset: number;
}

type FieldTypes = Readonly<Record<string, FieldType>>;

const layout: unique symbol = Symbol("layout");

interface Layout {
  readonly bytes: number;
  readonly fields: readonly Field[];
}

export type Struct<T extends FieldTypes> = { readonly [K in keyof T]: number } & {
  readonly [layout]: Layout;
};

/** A signed 32-bit number. */
export const word: FieldType = { bytes: 4, align: 4, kind: "word" };
/** A byte offset into the shared memory, 0 is NULL. */
export const ptr: FieldType = { bytes: 4, align: 4, kind: "pointer" };
/** A list head or entry: next, then previous. */
export const list: FieldType = { bytes: 8, align: 4, kind: "list" };

/** The first of two words that are swapped as one: 8-aligned. */
export function firstOfTwo(field: FieldType): FieldType {
  return { ...field, align: 8 };
}

/** `length` fields of one type, one after the other. */
export function array(field: FieldType, length: number): FieldType {
  return { ...field, bytes: field.bytes * length, kind: "array" };
}

/** A struct inside a struct. */
export function embed<T extends FieldTypes>(
  inner: Struct<T>,
  kind: "struct" | "lock" = "struct",
): FieldType {
  return { bytes: sizeOf(inner), align: 4, kind, of: inner };
}

/** Lays `fields` out in order. `bytes` pads the whole to a given size and refuses to exceed it. */
export function struct<const T extends FieldTypes>(
  name: string,
  fields: T,
  bytes?: number,
): Struct<T> {
  const offsets: Record<string, number> = {};
  const laidOut: Field[] = [];
  let end = 0;
  for (const [field, type] of Object.entries(fields)) {
    const offset = Math.ceil(end / type.align) * type.align;
    offsets[field] = offset;
    laidOut.push({ name: field, offset, ...type });
    end = offset + type.bytes;
  }
  if (bytes !== undefined && end > bytes) {
    throw new RangeError(`struct ${name} needs ${end} bytes and may have ${bytes}`);
  }
  const total = bytes ?? Math.ceil(end / 8) * 8;
  // V8 gives what JSON.parse makes fixed slots; an object filled key by key becomes a dictionary, and
  // every access to a field would look its name up.
  return Object.assign(JSON.parse(JSON.stringify(offsets)), {
    [layout]: { bytes: total, fields: laidOut },
  }) as unknown as Struct<T>;
}

/** Bytes of a struct. */
export function sizeOf<T extends FieldTypes>(of: Struct<T>): number {
  return of[layout].bytes;
}

/** The fields of a struct, in order. */
export function fieldsOf<T extends FieldTypes>(of: Struct<T>): readonly Field[] {
  return of[layout].fields;
}

/** The field that holds the byte `offset` of a struct, as a report names it: `listLock.acquired`. */
export function fieldAt<T extends FieldTypes>(of: Struct<T>, offset: number): string {
  for (const field of fieldsOf(of)) {
    const within = offset - field.offset;
    if (within < 0 || within >= field.bytes) continue;
    if (field.of !== undefined) return `${field.name}.${fieldAt(field.of, within)}`;
    if (field.kind === "list") return `${field.name}.${within < 4 ? "next" : "prev"}`;
    if (field.kind === "array") return `${field.name}[${within >> 2}]`;
    return field.name;
  }
  return `+${offset}`;
}
