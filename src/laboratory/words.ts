// SPDX-License-Identifier: GPL-2.0-only
/** The words of one line of a scenario file, taken one after the other. */
import { parseReference } from "./references.ts";

export class Words {
  private readonly words: string[];
  private readonly refuse: (word: string, why: string) => never;
  private last = "";

  constructor(text: string, refuse: (word: string, why: string) => never) {
    this.words = text.split(/\s+/).filter((word) => word !== "");
    this.refuse = refuse;
  }

  get isEmpty(): boolean {
    return this.words.length === 0;
  }

  get rest(): string {
    return this.words.splice(0).join(" ");
  }

  next(what: string): string {
    const word = this.words.shift();
    if (word === undefined) return this.refuse(this.last, `${what} is missing after it`);
    this.last = word;
    return word;
  }

  /** A word that must be one of `known`. */
  oneOf<T extends string>(what: string, known: readonly T[]): T {
    const word = this.next(what);
    const found = known.find((one) => one === word);
    return found ?? this.refuse(word, `not a ${what}; known: ${known.join(", ")}`);
  }

  /** Takes the word if it comes next. */
  takes(word: string): boolean {
    if (this.words[0] !== word) return false;
    this.last = word;
    this.words.shift();
    return true;
  }

  number(what: string, least: number, most: number): number {
    const word = this.next(what);
    const value = /^\d+$/.test(word) ? Number(word) : Number.NaN;
    if (value >= least && value <= most) return value;
    return this.refuse(word, `${what} must be a whole number from ${least} to ${most}`);
  }

  optionalNumber(what: string, least: number, most: number, otherwise: number): number {
    return /^\d/.test(this.words[0] ?? "") ? this.number(what, least, most) : otherwise;
  }

  name(what: string): string {
    const word = this.next(what);
    if (/^[a-z]\w*$/i.test(word)) return word;
    return this.refuse(word, `${what} has letters and digits only`);
  }

  reference(): string {
    const word = this.next("an object");
    if (parseReference(word) !== undefined) return word;
    return this.refuse(word, "not an object: write a, a.1 or a.1-3");
  }

  ends(): void {
    const [word] = this.words;
    if (word !== undefined) this.refuse(word, "nothing more is expected here");
  }
}
