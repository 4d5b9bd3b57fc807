/**
 * A deque for work stealing: its owner pushes and takes at the bottom, others steal at the top. Chase
 * and Lev, "Dynamic Circular Work-Stealing Deque", SPAA 2005, of fixed size. The last element is where
 * owner and thief meet: both must win it by moving the top.
 */
const TOP = 0;
const BOTTOM = 1;
const FIRST = 2;
const SLOTS = 4;

export class Deque {
  protected readonly words: Int32Array;

  constructor(words: Int32Array) {
    this.words = words;
  }

  push(value: number): void {
    const { words } = this;
    const bottom = Atomics.load(words, BOTTOM);
    Atomics.store(words, FIRST + (bottom % SLOTS), value);
    Atomics.store(words, BOTTOM, bottom + 1);
  }

  take(): number {
    const { words } = this;
    const bottom = Atomics.sub(words, BOTTOM, 1) - 1;
    const top = Atomics.load(words, TOP);
    if (top > bottom) {
      Atomics.store(words, BOTTOM, bottom + 1);
      return 0;
    }
    const value = Atomics.load(words, FIRST + (bottom % SLOTS));
    if (top < bottom) return value;
    const won = this.winLast(top);
    Atomics.store(words, BOTTOM, bottom + 1);
    return won ? value : 0;
  }

  protected winLast(top: number): boolean {
    return Atomics.compareExchange(this.words, TOP, top, top + 1) === top;
  }

  steal(): number {
    const { words } = this;
    const top = Atomics.load(words, TOP);
    if (top >= Atomics.load(words, BOTTOM)) return 0;
    const value = Atomics.load(words, FIRST + (top % SLOTS));
    return Atomics.compareExchange(words, TOP, top, top + 1) === top ? value : 0;
  }
}

/** The owner takes the last element as if nobody could want it. */
export class OwnsLast extends Deque {
  protected override winLast(top: number): boolean {
    Atomics.store(this.words, TOP, top + 1);
    return true;
  }
}

export const deque = (of: typeof Deque) => ({
  name: `deque-${of.name}`,
  words: FIRST + SLOTS,
  names: { top: TOP, bottom: BOTTOM },
  tasks: {
    owner: (words: Int32Array) => {
      const mine = new of(words);
      mine.push(1);
      mine.push(2);
      return [mine.take(), mine.take()];
    },
    thief: (words: Int32Array) => [new of(words).steal()],
  },
  check: (_: Int32Array, results: Readonly<Record<string, unknown>>) => {
    const got = (Object.values(results).flat() as number[]).filter(Boolean).sort();
    if (got.join() !== "1,2") throw new Error(`1 and 2 went in, ${got.join(" and ")} came out`);
  },
});
