/**
 * Mutual exclusion by loads and stores alone. Dekker's as Dijkstra gives it, "Cooperating Sequential
 * Processes", 1965; Peterson, "Myths About the Mutual Exclusion Problem", IPL 1981. Both need each
 * store to be seen before the load after it, which plain stores on no machine of today are.
 */
const WANTS = 0;
const TURN = 2;
const COUNT = 3;

interface Cells {
  load(words: Int32Array, index: number): number;
  store(words: Int32Array, index: number, value: number): void;
}

export const atomic: Cells = {
  load: (words, index) => Atomics.load(words, index),
  store: (words, index, value) => {
    Atomics.store(words, index, value);
  },
};

export const plain: Cells = {
  load: (words, index) => words[index] as number,
  store: (words, index, value) => {
    words[index] = value;
  },
};

type Section = (words: Int32Array, me: number, cells: Cells, section: () => void) => void;

export const peterson: Section = (words, me, { load, store }, section) => {
  const other = 1 - me;
  store(words, WANTS + me, 1);
  store(words, TURN, other);
  while (load(words, WANTS + other) === 1 && load(words, TURN) === other);
  section();
  store(words, WANTS + me, 0);
};

export const dekker: Section = (words, me, { load, store }, section) => {
  const other = 1 - me;
  store(words, WANTS + me, 1);
  while (load(words, WANTS + other) === 1) {
    if (load(words, TURN) === me) continue;
    store(words, WANTS + me, 0);
    while (load(words, TURN) !== me);
    store(words, WANTS + me, 1);
  }
  section();
  store(words, TURN, other);
  store(words, WANTS + me, 0);
};

/** Looks before it says what it wants: both may find the way free. */
export const looksFirst: Section = (words, me, { load, store }, section) => {
  while (load(words, WANTS + 1 - me) === 1);
  store(words, WANTS + me, 1);
  section();
  store(words, WANTS + me, 0);
};

export const exclusion = (enter: Section, cells: Cells) => {
  const increment = (me: number) => (words: Int32Array) =>
    enter(words, me, cells, () => {
      words[COUNT] = (words[COUNT] as number) + 1;
    });
  return {
    name: `exclusion-${enter.name}`,
    words: 4,
    names: { "wants.0": WANTS, "wants.1": WANTS + 1, turn: TURN, count: COUNT },
    tasks: { one: increment(0), other: increment(1) },
    check: (words: Int32Array) => {
      if (words[COUNT] !== 2) throw new Error(`2 increments give ${words[COUNT]}`);
    },
  };
};
