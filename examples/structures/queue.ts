/**
 * A queue of linked nodes. Michael and Scott, "Simple, Fast, and Practical Non-Blocking and Blocking
 * Concurrent Queue Algorithms", PODC 1996. Nodes are not used twice here, so indices need no count.
 * The tail may lag one node behind; a task that meets that moves it first.
 */
const HEAD = 0;
const TAIL = 1;
const NEXT = 2;
const NODES = 5;

export class Queue {
  protected readonly words: Int32Array;

  constructor(words: Int32Array) {
    this.words = words;
  }

  /** Node numbers are the values; 1 is the dummy with which the queue begins. */
  enqueue(node: number): void {
    const { words } = this;
    for (;;) {
      const tail = Atomics.load(words, TAIL);
      const next = Atomics.load(words, NEXT + tail);
      if (next !== 0) {
        Atomics.compareExchange(words, TAIL, tail, next);
        continue;
      }
      if (!this.link(tail, node)) continue;
      Atomics.compareExchange(words, TAIL, tail, node);
      return;
    }
  }

  protected link(tail: number, node: number): boolean {
    return Atomics.compareExchange(this.words, NEXT + tail, 0, node) === 0;
  }

  dequeue(): number {
    const { words } = this;
    for (;;) {
      const head = Atomics.load(words, HEAD);
      const tail = Atomics.load(words, TAIL);
      const next = Atomics.load(words, NEXT + head);
      if (head !== Atomics.load(words, HEAD)) continue;
      if (next === 0) return 0;
      if (head === tail) Atomics.compareExchange(words, TAIL, tail, next);
      else if (Atomics.compareExchange(words, HEAD, head, next) === head) return next;
    }
  }
}

/** Links by a plain store: of two nodes at one place the later stays. */
export class StoresLink extends Queue {
  protected override link(tail: number, node: number): boolean {
    Atomics.store(this.words, NEXT + tail, node);
    return true;
  }
}

export const queue = (of: typeof Queue) => ({
  name: `queue-${of.name}`,
  words: NEXT + NODES,
  names: { head: HEAD, tail: TAIL },
  init: (words: Int32Array) => {
    words[HEAD] = 1;
    words[TAIL] = 1;
  },
  object: (words: Int32Array) => new of(words),
  spec: () => {
    const held: number[] = [];
    return {
      enqueue: (node: number): void => {
        held.push(node);
      },
      dequeue: () => held.shift() ?? 0,
    };
  },
  tasks: { a: [["enqueue", 2], ["dequeue"]], b: [["enqueue", 3], ["dequeue"]] } as const,
});
