// SPDX-License-Identifier: MIT
/**
 * Static storage: where each storey keeps its globals. Every thread builds the same objects in the
 * same order, so the same request gets the same address on each; nothing is ever given back.
 */
import type { Address } from "./memory.ts";
import { type Struct, sizeOf } from "./struct.ts";

export interface StaticObject {
  readonly name: string;
  readonly at: Address;
  readonly bytes: number;
  // biome-ignore lint/suspicious/noExplicitAny: any struct will do
  readonly of?: Struct<any>;
}

export class Statics {
  declare private end: Address;
  declare private readonly limit: Address;
  private readonly objects: StaticObject[] = [];

  constructor(start: Address, limit: Address) {
    this.end = start;
    this.limit = limit;
  }

  /** Room for one struct, on a cache line of its own. */
  // biome-ignore lint/suspicious/noExplicitAny: any struct will do
  allocate(of: Struct<any>, name: string): Address {
    return this.take({ name, bytes: sizeOf(of), of });
  }

  /** Room for `length` 32-bit words. */
  words(length: number, name: string): Address {
    return this.take({ name, bytes: length * 4 });
  }

  // biome-ignore lint/suspicious/noExplicitAny: any struct will do
  private take(what: { name: string; bytes: number; of?: Struct<any> }): Address {
    const at = Math.ceil(this.end / 64) * 64;
    if (at + what.bytes > this.limit) {
      throw new RangeError(`no static room left for ${what.name} (${what.bytes} bytes)`);
    }
    this.end = at + what.bytes;
    this.objects.push({ ...what, at });
    return at;
  }

  /** All that was allocated, in ascending order of address. */
  list(): readonly StaticObject[] {
    return this.objects;
  }
}
