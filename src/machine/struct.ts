// SPDX-License-Identifier: MIT
/**
 * Layouts, declared once: `struct("page", { flags: word, freelist: ptr, … })` yields the byte offset
 * of each field under its name, and the list of fields from which a report names any address.
 *
 *     memory.read32(page + Page.freelist)      in a fast path
 *     const page = view(memory, Page)          in the others:
 *     page.freelist(p); page.setFreelist(p, object)
 *
 * Every field is made of 32-bit words. Offsets follow the order of declaration, aligned as asked.
 */
import type { Address, Memory } from "./memory.ts";

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
  readonly name: string;
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
  // What a parser makes has its properties at fixed places; what was filled in key by key is a hash
  // table to V8, and every access to a field would look its name up.
  return Object.assign(JSON.parse(JSON.stringify(offsets)), {
    [layout]: { name, bytes: total, fields: laidOut },
  }) as unknown as Struct<T>;
}

/** Bytes of a struct. */
export function sizeOf<T extends FieldTypes>(of: Struct<T>): number {
  return of[layout].bytes;
}

export function structName<T extends FieldTypes>(of: Struct<T>): string {
  return of[layout].name;
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

/** An accessor pair for each field: plain reads and writes of its (first) word. */
export type View<T extends FieldTypes> = {
  readonly [K in keyof T & string]: (at: Address) => number;
} & {
  readonly [K in keyof T & string as `set${Capitalize<K>}`]: (at: Address, value: number) => void;
};

export function view<T extends FieldTypes>(memory: Memory, of: Struct<T>): View<T> {
  const accessors: Record<string, unknown> = {};
  for (const { name, offset } of fieldsOf(of)) {
    accessors[name] = (at: Address) => memory.read32(at + offset);
    accessors[`set${name.charAt(0).toUpperCase()}${name.slice(1)}`] = (
      at: Address,
      value: number,
    ) => memory.write32(at + offset, value);
  }
  return accessors as View<T>;
}
