/**
 * Explores the structures with at most two preemptions, where every store is seen at once (sc), in
 * order but late (tso), and late in any order (pso): `node examples/explore-structures.ts`.
 */
import { explore } from "../src/explore/index.ts";
import { Deque, deque } from "./structures/deque.ts";
import { Mutex, mutex } from "./structures/mutex.ts";
import { atomic, dekker, exclusion, peterson, plain } from "./structures/mutual-exclusion.ts";
import { initialiser, once } from "./structures/once.ts";
import { Queue, queue } from "./structures/queue.ts";
import { lockRead, readersWriter } from "./structures/readers-writer.ts";
import { read, seqlock } from "./structures/seqlock.ts";
import { PlainHead, Ring, ring } from "./structures/spsc-ring.ts";
import { Stack, stack } from "./structures/treiber-stack.ts";

const STRUCTURES = {
  "ring, head by Atomics.store": ring(Ring),
  "ring, plain head": ring(PlainHead),
  "Treiber's stack": stack(Stack),
  "Michael and Scott's queue": queue(Queue),
  "sequence lock": seqlock(read),
  "Peterson, Atomics": exclusion(peterson, atomic),
  "Peterson, plain": exclusion(peterson, plain),
  "Dekker, Atomics": exclusion(dekker, atomic),
  "Dekker, plain": exclusion(dekker, plain),
  "Drepper's mutex": mutex(Mutex),
  "once-only initialiser": initialiser(once),
  "Chase and Lev's deque": deque(Deque),
  "readers and one writer": readersWriter(lockRead),
};

const MODELS = ["sc", "tso", "pso"] as const;

const row = (name: string, cells: readonly string[]): string =>
  [name.padEnd(28), ...cells.map((cell) => cell.padEnd(14))].join("").trimEnd();

console.log(row("schedules", MODELS));
for (const [name, program] of Object.entries(STRUCTURES)) {
  const cells = MODELS.map((memory) => {
    const { failure, complete } = explore({ ...program, memory, seconds: 120 });
    if (failure !== undefined) return `FAILS (${failure.preemptions})`;
    return String(complete?.schedules);
  });
  console.log(row(name, cells));
}
