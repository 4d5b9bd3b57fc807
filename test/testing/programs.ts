/** Programs for real threads, which load this file. */
import { expect } from "vitest";

export const here = { mode: "threads", module: import.meta.url, schedules: 2000 } as const;

export const plain = {
  name: "store-buffering-plain",
  words: 2,
  tasks: {
    one: (words: Int32Array) => {
      words[0] = 1;
      return words[1];
    },
    other: (words: Int32Array) => {
      words[1] = 1;
      return words[0];
    },
  },
};
class Counter {
  private readonly words: Int32Array;
  constructor(words: Int32Array) {
    this.words = words;
  }
  next = (): number => Atomics.add(this.words, 0, 1);
}
class SequentialCounter {
  private count = 0;
  next = (): number => this.count++;
}
export const counting = {
  words: 1,
  object: (words: Int32Array) => new Counter(words),
  tasks: { one: [["next"], ["next"]], other: [["next"], ["next"]] },
  spec: () => new SequentialCounter(),
} as const;
export const wrongCount = {
  ...counting,
  name: "wrong-count",
  spec: () => new Counter(new Int32Array([1])),
};
export const always = {
  ...plain,
  name: "always-fails",
  check: () => expect("this").toBe("that"),
};
export const throwing = { ...plain, name: "throws", tasks: { one: () => noSuchThing() } };
const noSuchThing = (): never => {
  throw new Error("no such thing");
};
export const promised = { ...plain, name: "promises", tasks: { one: () => Promise.resolve(1) } };
export const unsendable = { ...plain, name: "unsendable", tasks: { one: () => () => 1 } };
export const deadlock = {
  ...plain,
  name: "deadlock",
  tasks: { one: (words: Int32Array) => Atomics.wait(words, 0, 0), other: () => 1 },
};
