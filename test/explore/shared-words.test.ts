import { expect, test } from "vitest";
import { explore } from "../../src/explore/javascript/explore.ts";
import { SharedWords } from "../../src/explore/javascript/shared-words.ts";

function counter(increment: (words: SharedWords) => void) {
  const task = (words: Int32Array) => increment(new SharedWords(words));
  return explore({
    words: 1,
    tasks: { one: task, other: task },
    check: (words: Int32Array) => expect(words[0]).toBe(2),
  });
}

test("plain accesses by SharedWords lose an increment in some schedule, and atomic ones in none", () => {
  const plain = counter((words) => words.write(0, words.read(0) + 1));
  expect(plain.failure?.preemptions).toBe(1);
  const byLoop = (words: SharedWords): void => {
    let found = words.load(0);
    for (;;) {
      const seen = words.compareExchange(0, found, found + 1);
      if (seen === found) return;
      found = seen;
    }
  };
  for (const atomic of [byLoop, (words: SharedWords) => void words.add(0, 1)]) {
    const { failure, complete } = counter(atomic);
    expect([failure, complete?.preemptions]).toEqual([undefined, 2]);
  }
});

test("a wait sleeps until the notify, and one that is forgotten is a deadlock", () => {
  const flag = (notifies: boolean) =>
    explore({
      words: 1,
      tasks: {
        waiter: (array) => new SharedWords(array).wait(0, 0),
        setter: (array) => {
          const words = new SharedWords(array);
          words.store(0, 1);
          if (notifies) words.notify(0);
        },
      },
    });
  expect(flag(true).failure).toBeUndefined();
  expect(flag(false).failure?.class).toBe("deadlock");
});

test("in production the words are those of the buffer, and no others", () => {
  const array = new Int32Array(new SharedArrayBuffer(8));
  const words = new SharedWords(array);
  words.store(0, 3);
  expect([words.exchange(0, 4), words.load(0), words.length]).toEqual([3, 4, 2]);
  expect([words.wait(1, 5), words.wait(1, 0, 0), words.notify(1)]).toEqual([
    "not-equal",
    "timed-out",
    0,
  ]);
  expect(() => words.read(2)).toThrow("there is no word 2: there are 2");
  expect(() => words.add(Number.NaN, 1)).toThrow(RangeError);
});
