// SPDX-License-Identifier: MIT
/**
 * Views of shared memory, for programs; the machine itself never makes one. To make one costs more
 * than an allocation, so the last ones are kept: a view is bytes at a place, whichever object has them.
 */
import type { Address } from "./memory.ts";

/** A typed array, DataView, or a class of defineStruct. */
export interface ViewClass<V> {
  new (buffer: SharedArrayBuffer, byteOffset: number, length: number): V;
  /** DataView has none and counts bytes. */
  readonly BYTES_PER_ELEMENT?: number;
}

interface Kept {
  readonly address: Address;
  readonly length: number;
  readonly view: unknown;
}

/** Places of each class. An address has one of them. */
const PLACES = 1024;

export class Views {
  declare private readonly buffer: SharedArrayBuffer;
  private readonly kept = new Map<ViewClass<unknown>, (Kept | undefined)[]>();
  private last: ViewClass<unknown> | undefined;
  private places: (Kept | undefined)[] = [];

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
  }

  /** `bytes` bytes at `address`, which is a multiple of the element's size; no part of an element. */
  of<V>(of: ViewClass<V>, address: Address, bytes: number): V {
    if (of !== this.last) this.turnTo(of);
    const place = (address >>> 3) % PLACES;
    const kept = this.places[place];
    if (kept !== undefined && kept.address === address && kept.length === bytes) {
      return kept.view as V;
    }
    const view = new of(this.buffer, address, Math.floor(bytes / elementBytes(of)));
    this.places[place] = { address, length: bytes, view };
    return view;
  }

  private turnTo(of: ViewClass<unknown>): void {
    const places = this.kept.get(of) ?? new Array(PLACES).fill(undefined);
    this.kept.set(of, places);
    this.places = places;
    this.last = of;
  }
}

/** Whether what looks like a class makes views. */
export function isViewClass(of: ViewClass<unknown>): boolean {
  return (of.BYTES_PER_ELEMENT ?? 0) > 0 || (of as unknown) === DataView;
}

export function elementBytes(of: ViewClass<unknown>): number {
  return of.BYTES_PER_ELEMENT ?? 1;
}
