/**
 * A mutex that sleeps. Drepper, "Futexes Are Tricky", 2011, the second mutex: 0 free, 1 taken, 2 taken
 * and somebody may sleep.
 */
const STATE = 0;
const COUNT = 1;

export class Mutex {
  protected readonly words: Int32Array;

  constructor(words: Int32Array) {
    this.words = words;
  }

  lock(): void {
    const { words } = this;
    let state = Atomics.compareExchange(words, STATE, 0, 1);
    while (state !== 0) {
      if (state === 2 || Atomics.compareExchange(words, STATE, 1, 2) !== 0) {
        Atomics.wait(words, STATE, 2);
      }
      state = Atomics.compareExchange(words, STATE, 0, 2);
    }
  }

  unlock(): void {
    if (Atomics.exchange(this.words, STATE, 0) === 2) Atomics.notify(this.words, STATE, 1);
  }
}

/** Takes a lock that somebody sleeps on as if nobody did: the last sleeper is never woken. */
export class ForgetsSleepers extends Mutex {
  override lock(): void {
    const { words } = this;
    let state = Atomics.compareExchange(words, STATE, 0, 1);
    while (state !== 0) {
      if (state === 2 || Atomics.compareExchange(words, STATE, 1, 2) !== 0) {
        Atomics.wait(words, STATE, 2);
      }
      state = Atomics.compareExchange(words, STATE, 0, 1);
    }
  }
}

export const mutex = (of: typeof Mutex) => {
  const increment = (words: Int32Array): void => {
    const lock = new of(words);
    lock.lock();
    try {
      words[COUNT] = (words[COUNT] as number) + 1;
    } finally {
      lock.unlock();
    }
  };
  return {
    name: `mutex-${of.name}`,
    words: 2,
    names: { state: STATE, count: COUNT },
    tasks: { one: increment, two: increment, three: increment },
    check: (words: Int32Array) => {
      if (words[COUNT] !== 3) throw new Error(`3 increments give ${words[COUNT]}`);
    },
  };
};
