// SPDX-License-Identifier: MIT
/**
 * A number for each word of the memory, 0 at first: pages of numbers, made where one is set. Reading
 * is two array lookups; a table over an untouched memory costs almost nothing.
 */
import type { Address } from "../machine/memory.ts";

const WORDS_PER_PAGE = 1024;

function emptyPage(): number[] {
  return Array.from({ length: WORDS_PER_PAGE }, () => 0);
}

export class WordTable {
  private readonly untouched = emptyPage();
  private readonly pages: number[][];

  constructor(byteLength: number) {
    const pages = Math.ceil(byteLength / (4 * WORDS_PER_PAGE));
    this.pages = Array.from({ length: pages }, () => this.untouched);
  }

  get(address: Address): number {
    return (this.pages[address >>> 12] as number[])[
      (address >>> 2) & (WORDS_PER_PAGE - 1)
    ] as number;
  }

  set(address: Address, value: number): void {
    let page = this.pages[address >>> 12] as number[];
    if (page === this.untouched) {
      page = emptyPage();
      this.pages[address >>> 12] = page;
    }
    page[(address >>> 2) & (WORDS_PER_PAGE - 1)] = value;
  }
}
