// SPDX-License-Identifier: MIT
/**
 * Shared words by their accesses, for code that prefers a type to an Int32Array and Atomics: plain ones
 * and atomic ones cannot be mistaken for each other, and an index that is not there is refused. It is
 * no more than that, so it costs nothing to speak of in production and is explored like any code.
 */
export class SharedWords {
  private readonly words: Int32Array;

  /** `words`: of a SharedArrayBuffer, which other threads have as well. */
  constructor(words: Int32Array) {
    this.words = words;
  }

  get length(): number {
    return this.words.length;
  }

  /** A plain load: others' stores may be seen late. @throws RangeError, as do all others */
  read(index: number): number {
    return this.words[this.checked(index)] as number;
  }

  /** A plain store: others may see it late, and after later ones. */
  write(index: number, value: number): void {
    this.words[this.checked(index)] = value;
  }

  load(index: number): number {
    return Atomics.load(this.words, this.checked(index));
  }

  store(index: number, value: number): void {
    Atomics.store(this.words, this.checked(index), value);
  }

  /** Returns what was there before, as do the next two. */
  add(index: number, value: number): number {
    return Atomics.add(this.words, this.checked(index), value);
  }

  exchange(index: number, value: number): number {
    return Atomics.exchange(this.words, this.checked(index), value);
  }

  /** Stores `value` if the word is `expected`. */
  compareExchange(index: number, expected: number, value: number): number {
    return Atomics.compareExchange(this.words, this.checked(index), expected, value);
  }

  /** Sleeps while the word is `value`, until a `notify` or for so many ms. Not on a page's main thread. */
  wait(index: number, value: number, milliseconds?: number): "ok" | "not-equal" | "timed-out" {
    return Atomics.wait(this.words, this.checked(index), value, milliseconds);
  }

  /** Wakes that many who wait for the word, all by default; returns how many. */
  notify(index: number, count?: number): number {
    return Atomics.notify(this.words, this.checked(index), count);
  }

  private checked(index: number): number {
    if (Number.isInteger(index) && index >= 0 && index < this.length) return index;
    throw new RangeError(`there is no word ${index}: there are ${this.length}`);
  }
}
