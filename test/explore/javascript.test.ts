/** Unmodified JavaScript under the explorer: typed arrays, DataView, Atomics, waiting, spinning. */
import { describe, expect, test } from "vitest";
import { explore, NotExplorable, replay } from "../../src/explore/index.ts";

const increment = (words: Int32Array): void => {
  (words[0] as number) += 1;
};

const counter = (increments: (words: Int32Array) => void) => ({
  words: 1,
  names: { count: 0 },
  tasks: { one: increments, other: increments },
  check: (words: Int32Array) => {
    if (words[0] !== 2) throw new Error(`2 increments give ${words[0]}`);
  },
});

test("an increment that is no atomic one loses another, and its token replays", () => {
  const { failure, complete } = explore(counter(increment));
  expect(failure).toMatchObject({ message: "Error: 2 increments give 1", preemptions: 1 });
  expect(complete?.preemptions).toBe(0);
  expect(replay(counter(increment), failure?.token ?? "").failure).toEqual(failure);
  const texts = failure?.timeline.map(({ text }) => text);
  expect(texts).toContain("count -> 0");
  expect(texts).toContain("count = 1");
});

test.each(["tso", "pso"] as const)(
  "a failure under %s replays though a store to a word of one task is never seen by another",
  (memory) => {
    const one = (words: Int32Array): void => {
      increment(words);
      words[1] = 1;
    };
    const { tasks, ...rest } = counter(increment);
    const program = { ...rest, words: 2, memory, tasks: { ...tasks, one } };
    const { failure } = explore(program);
    expect(failure?.message).toBe("Error: 2 increments give 1");
    expect(replay(program, failure?.token ?? "").failure).toEqual(failure);
  },
);

test("an atomic increment loses nothing", () => {
  const { failure, complete } = explore(
    counter((words) => {
      Atomics.add(words, 0, 1);
    }),
  );
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(2);
});

/** What each expression gives on an array under exploration, and on a real one. */
const EXPRESSIONS: Record<string, (array: Int32Array) => unknown> = {
  length: (array) => array.length,
  "an element that is not there": (array) => [array[99], array[-1], array[1.5 as number]],
  "a write that is not there": (array) => {
    array[99] = 5;
    return array[99];
  },
  in: (array) => [3 in array, 99 in array, "length" in array],
  at: (array) => array.at(-1),
  spread: (array) => [...array],
  entries: (array) => [...array.entries()],
  "for of": (array) => {
    let sum = 0;
    for (const element of array) sum += element;
    return sum;
  },
  keys: (array) => Object.keys(array),
  fill: (array) => [...array.fill(7, 1, 3)],
  "fill from behind": (array) => [...array.fill(7.9, -2)],
  set: (array) => {
    array.set([8, 9], 2);
    return [...array];
  },
  "set of itself": (array) => {
    array.set(array.subarray(0, 3), 1);
    return [...array];
  },
  subarray: (array) => [...array.subarray(1, 3)],
  "subarray writes through": (array) => {
    array.subarray(2)[0] = 77;
    return array[2];
  },
  slice: (array) => [...array.slice(-3)],
  "slice does not write through": (array) => {
    array.slice(2)[0] = 77;
    return array[2];
  },
  copyWithin: (array) => [...array.copyWithin(0, 2)],
  reverse: (array) => [...array.reverse()],
  sort: (array) => [...array.sort((a, b) => b - a)],
  map: (array) => [...array.map((element) => element * 2)],
  filter: (array) => [...array.filter((element) => element > 2)],
  reduce: (array) => array.reduce((sum, element) => sum + element, 0),
  indexOf: (array) => [array.indexOf(3), array.includes(4), array.lastIndexOf(9)],
  join: (array) => array.join("-"),
  String: (array) => String(array),
  with: (array) => [...array.with(1, 5)],
  "a copy": (array) => [...new Int32Array(array)],
  "bytes of it": (array) => [...new Uint8Array(array.buffer, 4, 6)],
  instanceof: (array) => [array instanceof Int32Array, ArrayBuffer.isView(array)],
  "its class": (array) => [array.constructor === Int32Array, array[Symbol.toStringTag]],
  "what Int32Array knows": () => [Int32Array.BYTES_PER_ELEMENT, [...Int32Array.from([1, 2])]],
  "a private array": () => [...new Int32Array([1, 2, 3])],
  add: (array) => [Atomics.add(array, 0, 5), array[0]],
  sub: (array) => [Atomics.sub(array, 0, 5), array[0]],
  and: (array) => [Atomics.and(array, 2, 1), array[2]],
  or: (array) => [Atomics.or(array, 0, 6), array[0]],
  xor: (array) => [Atomics.xor(array, 2, 1), array[2]],
  exchange: (array) => [Atomics.exchange(array, 1, -1), array[1]],
  "compareExchange that stores": (array) => [Atomics.compareExchange(array, 1, 2, 9), array[1]],
  "compareExchange that fails": (array) => [Atomics.compareExchange(array, 1, 3, 9), array[1]],
  "a store answers what it was given": (array) => [Atomics.store(array, 1, 4.7), array[1]],
  "a sum that wraps": (array) => {
    array[0] = 2 ** 31 - 1;
    return [Atomics.add(array, 0, 1), array[0]];
  },
  "an unequal wait": (array) => Atomics.wait(array, 0, 99),
  "a wait whose time is up": (array) => Atomics.wait(array, 0, 1, 0),
  "a notify that wakes nobody": (array) => Atomics.notify(array, 0),
  "an index out of range": (array) => thrown(() => Atomics.load(array, 5)),
  "an array without waiting": (array) =>
    thrown(() => Atomics.wait(new Uint8Array(array.buffer) as never, 0, 0)),
  "an array without atomics": (array) =>
    thrown(() => Atomics.load(new Float32Array(array.buffer) as never, 0)),
  "a misaligned array": (array) => thrown(() => new Int32Array(array.buffer, 1)),
  "Atomics on a private array": () => Atomics.add(new Int32Array(1), 0, 1),
  "Atomics on no array": () => thrown(() => Atomics.load({} as never, 0)),
};

function thrown(section: () => unknown): string {
  try {
    section();
  } catch (error) {
    return (error as Error).name;
  }
  return "nothing";
}

/** The answer of `section` to the buffer, as a task under exploration. */
function explored(given: readonly number[], section: (buffer: SharedArrayBuffer) => unknown) {
  const buffer = new SharedArrayBuffer(given.length * 4);
  new Int32Array(buffer).set(given);
  let answer: unknown;
  const { failure } = explore({
    buffers: { buffer },
    tasks: { only: ({ buffer: shared }) => section(shared) },
    check: (_, { only }) => {
      answer = only;
    },
  });
  if (failure !== undefined) throw new Error(failure.message);
  expect([...new Int32Array(buffer)]).toEqual(given);
  return answer;
}

const GIVEN = [1, 2, 3, 4, 5];

test.each(Object.entries(EXPRESSIONS))("%s: as on a real array", (_what, expression) => {
  const real = new Int32Array(new SharedArrayBuffer(20));
  real.set(GIVEN);
  expect(explored(GIVEN, (buffer) => expression(new Int32Array(buffer)))).toEqual(expression(real));
});

test("a result that is an array over a buffer is a list of what it held then", () => {
  const answer = explored(GIVEN, (buffer) => {
    const array = new Int32Array(buffer);
    const result = { rest: array.subarray(3) };
    array.fill(0);
    return result;
  });
  expect(answer).toEqual({ rest: [0, 0] });
});

const TYPES = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
] as const;

test.each(TYPES.map((type) => [type.name, type] as const))(
  "an element of %s holds what the real one holds",
  (name) => {
    const values = [0, 1, -1, 127, 128, 255, 256, -129, 65_536.5, 2 ** 31, 2 ** 32 + 3, 1e300, NaN];
    const written = (buffer: SharedArrayBuffer): unknown => {
      const array = new (globalThis[name as "Int8Array"] as Int8ArrayConstructor)(buffer);
      return values.map((value) => {
        array[1] = value;
        return [array[1], array[0], array.length, array.byteLength];
      });
    };
    expect(explored([0, 0, 0, 0], written)).toEqual(written(new SharedArrayBuffer(16)));
  },
);

test.each(["Int8Array", "Uint8Array", "Int16Array", "Uint16Array", "Uint32Array"] as const)(
  "atomics of %s change their element only",
  (name) => {
    const written = (buffer: SharedArrayBuffer): unknown => {
      const array = new (globalThis[name] as Uint8ArrayConstructor)(buffer);
      array.fill(3);
      const found = [Atomics.sub(array, 1, 4), Atomics.exchange(array, 2, 70_000)];
      return [found, Atomics.compareExchange(array, 3, 3, 65_535), [...array]];
    };
    expect(explored([0, 0, 0, 0], written)).toEqual(written(new SharedArrayBuffer(16)));
  },
);

test.each(["BigInt64Array", "BigUint64Array"] as const)("atomics of %s", (name) => {
  const written = (buffer: SharedArrayBuffer): unknown => {
    const array = new (globalThis[name] as BigInt64ArrayConstructor)(buffer);
    array[0] = -(2n ** 63n);
    const found = [Atomics.add(array, 0, -1n), Atomics.compareExchange(array, 1, 0n, 2n ** 40n)];
    const refused = thrown(() => Atomics.store(array, 0, 1 as never));
    return [...found, Atomics.load(array, 1), ...array, refused].map(String);
  };
  expect(explored([0, 0, 0, 0], written)).toEqual(written(new SharedArrayBuffer(16)));
});

test("DataView reads and writes what the real one does", () => {
  const written = (buffer: SharedArrayBuffer): unknown => {
    const view = new DataView(buffer, 2, 14);
    view.setInt32(2, 0x01020304, true);
    view.setInt32(6, 0x01020304);
    view.setInt16(1, -2);
    view.setFloat64(5, 1 / 3);
    const read = [view.getInt32(2, true), view.getUint8(0), view.getFloat64(5), view.byteLength];
    return [read, String(view.getBigInt64(4)), thrown(() => view.getInt32(11)), view.byteOffset];
  };
  expect(explored([1, 2, 3, 4], written)).toEqual(written(new SharedArrayBuffer(16)));
});

test("time and chance are the same each time, and real again afterwards", () => {
  const before = [Atomics, Int32Array, DataView, Math.random, Date.now, performance.now];
  const drawn: unknown[] = [];
  const draw = (words: Int32Array) => {
    words[0] = 1;
    return [Math.random(), Date.now(), performance.now()];
  };
  const { failure } = explore({
    words: 1,
    tasks: { one: draw, other: draw },
    check: (_, { one }) => drawn.push(String(one)),
  });
  expect(failure).toBeUndefined();
  expect(new Set(drawn).size).toBe(1);
  const after = [Atomics, Int32Array, DataView, Math.random, Date.now, performance.now];
  expect(after.map((real, i) => real === before[i])).not.toContain(false);
});

describe("waiting", () => {
  const handOver = (notify: boolean) => ({
    words: 2,
    tasks: {
      reader: (words: Int32Array) => {
        while (Atomics.load(words, 0) === 0) Atomics.wait(words, 0, 0);
        return words[1];
      },
      writer: (words: Int32Array) => {
        words[1] = 42;
        Atomics.store(words, 0, 1);
        if (notify) Atomics.notify(words, 0);
      },
    },
    check: (_: Int32Array, { reader }: { reader?: unknown }) => expect(reader).toBe(42),
  });

  test("ends with a notify", () => {
    const { failure, complete } = explore(handOver(true));
    expect(failure).toBeUndefined();
    expect(complete?.preemptions).toBe(2);
  });

  test("never ends without one, though the word has changed", () => {
    const { failure } = explore(handOver(false));
    expect(failure?.message).toBe(
      "deadlock: CPU 0: reader in reader waits for a notify of reader at words[0]",
    );
  });

  test("ends by its time limit only when no other task can go on", () => {
    const answers = new Set<unknown>();
    const { failure } = explore({
      words: 1,
      tasks: {
        short: (words) => Atomics.wait(words, 0, 0, 10),
        long: (words) => Atomics.wait(words, 0, 0, 20),
      },
      check: (_, { short, long }) => answers.add(`${short} ${long}`),
    });
    expect(failure).toBeUndefined();
    expect([...answers]).toEqual(["timed-out timed-out"]);
  });

  test("a notify wakes who came first", () => {
    const orders = new Set<string>();
    const wait = (words: Int32Array): number => {
      const place = Atomics.add(words, 0, 1);
      Atomics.wait(words, 1, 0);
      return 10 * place + Atomics.add(words, 2, 1);
    };
    explore({
      words: 3,
      tasks: {
        one: wait,
        other: wait,
        waker: (words) => {
          while (Atomics.notify(words, 1, 1) === 0);
          while (Atomics.load(words, 2) === 0);
          while (Atomics.notify(words, 1, 1) === 0);
        },
      },
      check: (_, { one, other }) => orders.add(`${one} ${other}`),
      preemptions: 0,
    });
    expect([...orders].sort()).toEqual(["0 11", "11 0"]);
  });

  test("waitAsync is refused", () => {
    const { failure } = explore({
      words: 1,
      tasks: { only: (words) => Atomics.waitAsync(words, 0, 0) },
    });
    expect(failure?.message).toContain("waitAsync cannot be explored");
  });
});

describe("a spin lock", () => {
  const spin = (unlocks: boolean) => (words: Int32Array) => {
    while (Atomics.compareExchange(words, 0, 0, 1) !== 0);
    (words[1] as number) += 1;
    if (unlocks) Atomics.store(words, 0, 0);
  };

  test("is explored whole", () => {
    const { failure, complete } = explore({
      words: 2,
      tasks: { one: spin(true), other: spin(true), third: spin(true) },
      check: (words) => expect(words[1]).toBe(3),
    });
    expect(failure).toBeUndefined();
    expect(complete?.preemptions).toBe(2);
  });

  test("that is never given back is a livelock", () => {
    const { failure } = explore({
      words: 2,
      tasks: { one: spin(false), other: spin(false) },
      preemptions: 0,
    });
    expect(failure?.class).toBe("livelock");
  });

  test("with fewer rounds than `spins` also gives up while another task is in it", () => {
    const gaveUp = (spins: number): boolean => {
      const ends = new Set<unknown>();
      explore({
        words: 1,
        spins,
        tasks: {
          holder: (words) => {
            Atomics.store(words, 0, 1);
            Atomics.store(words, 0, 0);
          },
          spinner: (words) => {
            for (let round = 0; round < 6; round++) if (Atomics.load(words, 0) === 0) return "has";
            return "gave up";
          },
        },
        check: (_, { spinner }) => ends.add(spinner),
      });
      return ends.has("gave up");
    };
    expect(gaveUp(8)).toBe(true);
    expect(gaveUp(2)).toBe(false);
  });
});

test("code with catch and finally is explored as it is", () => {
  const { failure, complete } = explore({
    words: 2,
    tasks: Object.fromEntries(
      ["one", "other"].map((name) => [
        name,
        (words: Int32Array) => {
          while (Atomics.compareExchange(words, 0, 0, 1) !== 0);
          try {
            (words[1] as number) += 1;
          } catch {
            words[1] = -1;
          } finally {
            Atomics.store(words, 0, 0);
          }
        },
      ]),
    ),
    check: (words) => expect(words[1]).toBe(2),
  });
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(2);
});

describe("a specification", () => {
  /** A stack of numbers in one array: how many there are, then they themselves. */
  class Stack {
    private readonly words: Int32Array;
    constructor(words: Int32Array) {
      this.words = words;
    }
    push(value: number): void {
      const { words } = this;
      words[1 + Atomics.add(words, 0, 1)] = value;
    }
    pop(): number | undefined {
      const { words } = this;
      if (Atomics.load(words, 0) === 0) return undefined;
      return words[Atomics.sub(words, 0, 1)];
    }
  }
  class Locked extends Stack {
    #lock: Int32Array;
    constructor(words: Int32Array) {
      super(words.subarray(1));
      this.#lock = words;
    }
    override push(value: number): void {
      while (Atomics.exchange(this.#lock, 0, 1) === 1);
      super.push(value);
      Atomics.store(this.#lock, 0, 0);
    }
    override pop(): number | undefined {
      while (Atomics.exchange(this.#lock, 0, 1) === 1);
      const popped = super.pop();
      Atomics.store(this.#lock, 0, 0);
      return popped;
    }
  }
  const pairs = (of: new (words: Int32Array) => object) => ({
    words: 8,
    object: (words: Int32Array) => new of(words),
    spec: () => {
      const values: number[] = [];
      return { push: (value: number) => void values.push(value), pop: () => values.pop() };
    },
    tasks: { a: [["push", 1], ["pop"]], b: [["push", 2], ["pop"]] } as const,
  });

  test("is met by an object under a lock, with a private field", () => {
    const { failure, complete } = explore(pairs(Locked));
    expect(failure).toBeUndefined();
    expect(complete?.preemptions).toBe(2);
  });

  test("is not met where a pop finds a place before its value, and the message has all calls", () => {
    const { failure } = explore(pairs(Stack));
    expect(failure?.message).toMatch(
      /^not linearizable: no order of these calls .*a: push\(1\) -> undefined; a: pop\(\) -> /,
    );
    expect(replay(pairs(Stack), failure?.token ?? "").failure?.message).toBe(failure?.message);
  });

  test("decides also by the order in which calls ended", () => {
    const { failure } = explore({
      words: 1,
      object: (words) => ({
        write: (value: number) => Atomics.store(words, 0, value),
        // A value that was there before this call began.
        read: () => (Atomics.load(words, 0) === 2 ? 1 : 2),
      }),
      spec: () => {
        let held = 0;
        return {
          write: (value: number) => {
            held = value;
            return value;
          },
          read: () => held,
        };
      },
      tasks: { a: [["write", 1], ["write", 2], ["read"]] },
    });
    expect(failure?.message).toContain("a: read() -> 1");
  });

  test("takes an error that both objects throw for an answer", () => {
    const once = (taken: () => boolean) => ({
      take: () => {
        if (taken()) throw new Error("taken");
      },
    });
    const { failure, complete } = explore({
      words: 1,
      object: (words) => once(() => Atomics.exchange(words, 0, 1) === 1),
      spec: () => {
        let calls = 0;
        return once(() => calls++ > 0);
      },
      tasks: { a: [["take"]], b: [["take"]] },
    });
    expect([failure, complete?.preemptions]).toEqual([undefined, 2]);
  });

  test.each([
    ["throws", () => unready(), "spec() throws Error: not ready: it makes the sequential object"],
    ["makes no object", () => 5, "spec() makes 5, not a sequential object"],
    ["makes one without the method", () => ({}), "Object has no method push"],
  ])("that %s is refused with one line", (_what, spec, reason) => {
    const program = { ...pairs(Stack), spec: spec as () => object };
    expect(() => explore(program)).toThrow(new NotExplorable(reason));
  });
  const unready = (): never => {
    throw new Error("not ready");
  };
});

describe("what cannot be explored is refused with the reason", () => {
  const ok = { words: 1, tasks: { only: increment } };
  test.each([
    ["an unknown member", { ...ok, taks: {} }, 'a program has no member "taks"'],
    ["neither words nor buffers", { tasks: ok.tasks }, "either words or buffers"],
    ["both", { ...ok, buffers: { a: 4 } }, "either words or buffers"],
    ["no task", { ...ok, tasks: {} }, "1 to "],
    ["no function", { ...ok, tasks: { only: 5 } }, '"only" is neither a function'],
    ["words below 1", { ...ok, words: 0 }, "no size from 1"],
    ["words that are no number", { ...ok, words: "4" }, "no size from 1"],
    ["a buffer that is none", { buffers: { a: {} }, tasks: ok.tasks }, "neither a number of bytes"],
    ["a name of no word", { ...ok, names: { head: 1 } }, '"head" is no word'],
    ["a spec without an object", { ...ok, spec: () => ({}) }, "needs an object"],
    ["a check that is no function", { ...ok, check: 1 }, "check is a function"],
    ["a call that is no list", { ...ok, object: () => ({}), tasks: { a: ["x"] } }, "a call is"],
    ["an async task", { ...ok, tasks: { only: async () => 1 } }, '"only" is async'],
    ["spins below 0", { ...ok, spins: -1 }, "number of rounds"],
  ])("%s", (_what, program, reason) => {
    expect(() => explore(program as never)).toThrow(reason);
  });

  test("a task that returns a promise", () => {
    const program = { words: 1, tasks: { only: () => Promise.resolve(1) } };
    expect(() => explore(program)).toThrow(NotExplorable);
    expect(() => explore(program)).toThrow("only returned a promise");
  });

  test("code that keeps a constructor and so goes around the explorer", () => {
    const Kept = Int32Array;
    const goesAround = () =>
      explore({
        buffers: { queue: 8 },
        tasks: {
          only: ({ queue }) => {
            new Kept(queue)[1] = 1;
          },
        },
      });
    expect(goesAround).toThrow("byte 4 of queue was written by an array that is not");
  });

  test("a growable buffer", () => {
    const growable = new SharedArrayBuffer(8, { maxByteLength: 16 });
    expect(() => explore({ buffers: { growable }, tasks: { only: () => 1 } })).toThrow(
      "a buffer that can grow",
    );
  });
});

test("state that outlives a schedule is named as what it is", () => {
  let runs = 0;
  const { failure } = explore({
    words: 2,
    tasks: {
      counts: (words) => {
        words[0] = ++runs;
      },
      other: (words) => {
        words[0] = 5;
        words[1] = 1;
      },
    },
    check: (words) => {
      if (words[0] === 3) throw new Error("three");
    },
  });
  expect(failure?.class).toBe("non-determinism");
  expect(failure?.message).toContain("Something outlives a schedule");
});

test("a token of another program is refused", () => {
  const { failure } = explore(counter(increment));
  const token = failure?.token ?? "";
  expect(() => replay({ ...counter(increment), name: "other" }, token)).toThrow("not of");
  const changed = counter((words) => {
    Atomics.add(words, 0, 1);
  });
  expect(() => replay(changed, token)).toThrow("no longer fits");
});
