/**
 * A stack of nodes linked by index. Treiber, "Systems Programming: Coping with Parallelism", 1986. A
 * node that is popped may be pushed again at once, so the head carries a count beside the index: else
 * a pop that has read `next` finds the same head with another stack below it (ABA).
 */
const HEAD = 0;
const NEXT = 1;

/** Low half: node number, 0 is none. High half: how often the head has changed. */
const nodeOf = (head: number): number => head & 0xffff;

export class Stack {
  protected readonly words: Int32Array;

  constructor(words: Int32Array) {
    this.words = words;
  }

  push(node: number): void {
    const { words } = this;
    for (;;) {
      const head = Atomics.load(words, HEAD);
      Atomics.store(words, NEXT + node, nodeOf(head));
      if (this.swap(head, node)) return;
    }
  }

  pop(): number {
    const { words } = this;
    for (;;) {
      const head = Atomics.load(words, HEAD);
      const node = nodeOf(head);
      if (node === 0) return 0;
      const next = Atomics.load(words, NEXT + node);
      if (this.swap(head, next)) return node;
    }
  }

  protected swap(head: number, node: number): boolean {
    const changed = ((head >>> 16) + 1) << 16;
    return Atomics.compareExchange(this.words, HEAD, head, changed | node) === head;
  }
}

export class WithoutCount extends Stack {
  protected override swap(head: number, node: number): boolean {
    return Atomics.compareExchange(this.words, HEAD, head, node) === head;
  }
}

/** Two nodes are on the stack; one task takes one, the other takes both and gives the first back. */
export const stack = (of: typeof Stack) => ({
  name: `stack-${of.name}`,
  words: NEXT + 3,
  names: { head: HEAD },
  init: (words: Int32Array) => {
    const made = new of(words);
    made.push(2);
    made.push(1);
  },
  tasks: {
    one: (words: Int32Array) => [new of(words).pop()],
    other: (words: Int32Array) => {
      const mine = new of(words);
      const first = mine.pop();
      const second = mine.pop();
      if (first !== 0) mine.push(first);
      return [second];
    },
  },
  check: (words: Int32Array, results: Readonly<Record<string, unknown>>) => {
    const held = Object.values(results).flat().filter(Boolean) as number[];
    const left = new of(words);
    for (let node = left.pop(); node !== 0; node = left.pop()) held.push(node);
    if (held.sort().join() !== "1,2") throw new Error(`nodes 1 and 2 became ${held.join(" and ")}`);
  },
});
