/** atomic-lock: Drepper's mutex. */
import type { WordsProgram } from "../../src/explore/index.ts";
import { loadedByTask } from "./installed.ts";

type Lock = new (words: Int32Array) => { lock(): void; unlock(): void };

const load = loadedByTask<Lock>("atomic-lock/index.js");

const adds = (words: Int32Array) => {
  const lock = new (load())(words);
  lock.lock();
  words[1] = (words[1] as number) + 1;
  lock.unlock();
};

export const three: WordsProgram = {
  name: "atomic-lock/three",
  words: 2,
  names: { lock: 0, sum: 1 },
  tasks: { one: adds, two: adds, three: adds },
  check: ([, sum]) => {
    if (sum !== 3) throw new Error(`3 additions give ${sum}`);
  },
};
