/**
 * A sequence lock: the writer makes the count odd, writes, and makes it even again; a reader that saw
 * an odd count, or two different ones, reads again. Here as Atomics: in JavaScript plain reads beside
 * a plain write may give anything.
 */
const COUNT = 0;
const LEFT = 1;
const RIGHT = 2;

export function write(words: Int32Array, value: number): void {
  Atomics.add(words, COUNT, 1);
  Atomics.store(words, LEFT, value);
  Atomics.store(words, RIGHT, value);
  Atomics.add(words, COUNT, 1);
}

export function read(words: Int32Array): readonly [number, number] {
  for (;;) {
    const before = Atomics.load(words, COUNT);
    const pair = [Atomics.load(words, LEFT), Atomics.load(words, RIGHT)] as const;
    if ((before & 1) === 0 && Atomics.load(words, COUNT) === before) return pair;
  }
}

/** Does not look whether a write was in progress when it began. */
export function readWhileOdd(words: Int32Array): readonly [number, number] {
  for (;;) {
    const before = Atomics.load(words, COUNT);
    const pair = [Atomics.load(words, LEFT), Atomics.load(words, RIGHT)] as const;
    if (Atomics.load(words, COUNT) === before) return pair;
  }
}

export const seqlock = (reads: typeof read) => ({
  name: `seqlock-${reads.name}`,
  words: 3,
  names: { count: COUNT, left: LEFT, right: RIGHT },
  tasks: { writer: (words: Int32Array) => write(words, 5), reader: reads },
  check: (_: Int32Array, { reader }: { reader?: unknown }) => {
    const [left, right] = reader as number[];
    if (left !== right) throw new Error(`read ${left} and ${right}`);
  },
});
