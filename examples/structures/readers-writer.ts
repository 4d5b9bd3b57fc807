/** Many readers or one writer: a count of readers, with one bit that a writer sets when it is 0. */
const LOCK = 0;
const LEFT = 1;
const RIGHT = 2;

const WRITER = 1 << 30;

export function lockRead(words: Int32Array): void {
  for (;;) {
    const state = Atomics.load(words, LOCK);
    if ((state & WRITER) !== 0) continue;
    if (Atomics.compareExchange(words, LOCK, state, state + 1) === state) return;
  }
}

/** Counts itself in, and does not look whether a writer is there. */
export function lockReadBlindly(words: Int32Array): void {
  Atomics.add(words, LOCK, 1);
}

function read(words: Int32Array, lock: typeof lockRead): number[] {
  lock(words);
  const pair = [words[LEFT] as number, words[RIGHT] as number];
  Atomics.sub(words, LOCK, 1);
  return pair;
}

function write(words: Int32Array): void {
  while (Atomics.compareExchange(words, LOCK, 0, WRITER) !== 0);
  words[LEFT] = 5;
  words[RIGHT] = 5;
  Atomics.sub(words, LOCK, WRITER);
}

export const readersWriter = (lock: typeof lockRead) => ({
  name: `readers-writer-${lock.name}`,
  words: 3,
  names: { lock: LOCK, left: LEFT, right: RIGHT },
  tasks: {
    one: (words: Int32Array) => read(words, lock),
    other: (words: Int32Array) => read(words, lock),
    writer: write,
  },
  check: (_: Int32Array, { one, other }: { one?: unknown; other?: unknown }) => {
    for (const [left, right] of [one, other] as number[][]) {
      if (left !== right) throw new Error(`read ${left} and ${right}`);
    }
  },
});
