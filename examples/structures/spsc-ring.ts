/**
 * A ring for one producer and one consumer: head and tail only grow, each written by one side. An
 * element is written before the head that shows it moves.
 */
const HEAD = 0;
const TAIL = 1;
const FIRST = 2;

export class Ring {
  protected readonly words: Int32Array;
  protected readonly slots: number;

  constructor(words: Int32Array) {
    this.words = words;
    this.slots = words.length - FIRST;
  }

  push(value: number): boolean {
    const { words, slots } = this;
    const head = Atomics.load(words, HEAD);
    if (head - Atomics.load(words, TAIL) === slots) return false;
    words[FIRST + (head % slots)] = value;
    this.publish(head + 1);
    return true;
  }

  protected publish(head: number): void {
    Atomics.store(this.words, HEAD, head);
  }

  pop(): number | undefined {
    const { words, slots } = this;
    const tail = Atomics.load(words, TAIL);
    if (tail === Atomics.load(words, HEAD)) return undefined;
    const value = words[FIRST + (tail % slots)];
    Atomics.store(words, TAIL, tail + 1);
    return value;
  }
}

/** Shows the element before it is there. */
export class ShowsFirst extends Ring {
  override push(value: number): boolean {
    const { words, slots } = this;
    const head = Atomics.load(words, HEAD);
    if (head - Atomics.load(words, TAIL) === slots) return false;
    this.publish(head + 1);
    words[FIRST + (head % slots)] = value;
    return true;
  }
}

/** A plain store of the head: right in any interleaving, wrong where stores are reordered. */
export class PlainHead extends Ring {
  protected override publish(head: number): void {
    this.words[HEAD] = head;
  }
}

export const ring = (of: typeof Ring) => ({
  name: `ring-${of.name}`,
  words: FIRST + 2,
  names: { head: HEAD, tail: TAIL },
  tasks: {
    producer: (words: Int32Array) => {
      const queue = new of(words);
      return [7, 8, 9].filter((value) => queue.push(value));
    },
    consumer: (words: Int32Array) => {
      const queue = new of(words);
      return [queue.pop(), queue.pop()].filter((value) => value !== undefined);
    },
  },
  check: (_: Int32Array, { producer, consumer }: { producer?: unknown; consumer?: unknown }) => {
    const [pushed, popped] = [String(producer), String(consumer)];
    if (!pushed.startsWith(popped)) throw new Error(`${pushed} went in, ${popped} came out`);
  },
});
