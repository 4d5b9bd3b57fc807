// SPDX-License-Identifier: MIT
/**
 * A task number in the hands of a thread, from attach to detach, and how others can tell that the
 * thread is still there: it keeps some Atomics.waitAsync on a word of its task. An engine drops them
 * when the thread ends, in whatever way, and not before; so a notify that wakes none of the waits
 * that stand has found a dead thread, and a thread that is stopped, in a debugger or busy is never
 * taken for one. Each look costs a wait, which the thread renews when it is back in its event loop.
 *
 * A number may be taken again later: `generation` says by how many threads it was before.
 */
import { dyingBy, holderIn, isKept, TASK_NONE, TASK_RUNNING, Task } from "./cpus.ts";
import { type LeasePlaces, leaseOf, taskWord } from "./lease-words.ts";
import { waitAsync } from "./platform.ts";

const WAITS = 64;
/** Waits that no look may use up: late looks at an earlier thread of this number may have cost some. */
const SPARE = 4;
/** Looks at one thread are at least so far apart, in ms. */
const LOOK_MS = 250;

export interface TenancyPlaces extends LeasePlaces {
  readonly cpus: number;
}

/** Takes a free task number, -1 where there is none. */
export function claimTask(
  words: Int32Array,
  places: LeasePlaces,
  { from, to }: { from: number; to: number },
): number {
  for (let task = from; task < to; task++) {
    const state = taskWord(places, task, Task.state);
    if (Atomics.compareExchange(words, state, TASK_NONE, TASK_RUNNING) !== TASK_NONE) continue;
    // What an earlier thread that has died has left there.
    for (const field of [Task.irqsOff, Task.serving, Task.changing, Task.waitsAt]) {
      Atomics.store(words, taskWord(places, task, field), 0);
    }
    return task;
  }
  return -1;
}

type Sight = "alive" | "gone" | "unknown";

/** What can be told of the thread of a task, by another thread. */
function look(words: Int32Array, places: LeasePlaces, task: number): Sight {
  const standing = taskWord(places, task, Task.standing);
  // A wait is taken off the count before it is used, so that no two looks use the same one.
  if (Atomics.sub(words, standing, 1) <= SPARE) {
    Atomics.add(words, standing, 1);
    return "unknown";
  }
  return Atomics.notify(words, taskWord(places, task, Task.alive), 1) === 0 ? "gone" : "alive";
}

export function isAlive(words: Int32Array, places: LeasePlaces, task: number): boolean {
  return look(words, places, task) === "alive";
}

/** Whether a thread has ended, asked by one that cannot go on if none has. */
export function isGoneAtOnce(words: Int32Array, places: LeasePlaces, task: number): boolean {
  // However many ask, the half that is left tells those who ask now and then.
  const standing = Atomics.load(words, taskWord(places, task, Task.standing));
  if (standing <= WAITS / 2) return isGoneNow(words, places, task);
  return look(words, places, task) === "gone";
}

/** Whether a thread has ended that was not looked at a moment ago. */
export function isGoneNow(words: Int32Array, places: LeasePlaces, task: number): boolean {
  const lookedAt = taskWord(places, task, Task.lookedAt);
  const time = Date.now() | 0;
  const before = Atomics.load(words, lookedAt);
  if (((time - before) | 0) < LOOK_MS) return false;
  if (Atomics.compareExchange(words, lookedAt, before, time) !== before) return false;
  return look(words, places, task) === "gone";
}

export class Tenancy {
  declare private readonly words: Int32Array;
  declare private readonly places: TenancyPlaces;
  declare readonly task: number;
  declare readonly generation: number;
  private stands = false;
  private ended = false;

  /** `task` was claimed by this thread. */
  constructor(words: Int32Array, places: TenancyPlaces, task: number) {
    this.words = words;
    this.places = places;
    this.task = task;
    this.generation = Atomics.load(words, taskWord(places, task, Task.generation));
  }

  /** Lets others see from here on whether this thread is there, where the platform can. */
  stand(): void {
    if (this.stands || this.ended || waitAsync === undefined) return;
    this.stands = true;
    for (let i = 0; i < WAITS; i++) this.wait();
  }

  private wait(): void {
    const { words, places, task } = this;
    const answer = waitAsync?.(words, taskWord(places, task, Task.alive), 0);
    if (answer?.async !== true) return;
    Atomics.add(words, taskWord(places, task, Task.standing), 1);
    void answer.value.then(() => {
      if (!this.ended && this.isCurrent) this.wait();
    });
  }

  /** Detached by this thread. */
  get hasEnded(): boolean {
    return this.ended;
  }

  /** False once another thread has buried this one. */
  get isCurrent(): boolean {
    const { words, places, task, generation } = this;
    return (
      Atomics.load(words, taskWord(places, task, Task.state)) === TASK_RUNNING &&
      Atomics.load(words, taskWord(places, task, Task.generation)) === generation
    );
  }

  /**
   * Gives the number back, with the CPU that the task keeps if it keeps one. A thread that dies here is
   * its own undertaker: another one takes over.
   */
  end(): void {
    const { words, places, task } = this;
    if (this.ended) return;
    this.ended = true;
    const wasCurrent = this.isCurrent;
    const state = taskWord(places, task, Task.state);
    const dying = dyingBy(task);
    if (
      !wasCurrent ||
      Atomics.compareExchange(words, state, TASK_RUNNING, dying) !== TASK_RUNNING
    ) {
      return;
    }
    for (let cpu = 0; cpu < places.cpus; cpu++) {
      const lease = Atomics.load(words, leaseOf(places, cpu));
      if (!isKept(lease) || holderIn(lease) !== task + 1) continue;
      Atomics.compareExchange(words, leaseOf(places, cpu), lease, 0);
    }
    freeTask(words, places, task, dying);
  }
}

/**
 * Whether a thread that gives its number back has no more to do than the last steps of `freeTask`. Nobody
 * can tell any more whether it lives; so another thread may do them, too.
 */
export function isLeaving(words: Int32Array, places: LeasePlaces, task: number): boolean {
  return (
    Atomics.load(words, taskWord(places, task, Task.state)) === dyingBy(task) &&
    Atomics.load(words, taskWord(places, task, Task.standing)) === 0
  );
}

/**
 * The number is free for another thread, if its state is still `state`, which is not RUNNING. Each step
 * may come late, when another thread has done them all.
 */
export function freeTask(
  words: Int32Array,
  places: LeasePlaces,
  task: number,
  state: number,
): void {
  const generation = taskWord(places, task, Task.generation);
  const before = Atomics.load(words, generation);
  Atomics.notify(words, taskWord(places, task, Task.alive));
  // From here on a look tells nothing, so that none mistakes a thread without waits for a dead one.
  Atomics.store(words, taskWord(places, task, Task.standing), 0);
  Atomics.compareExchange(words, generation, before, before + 1);
  Atomics.compareExchange(words, taskWord(places, task, Task.state), state, TASK_NONE);
}
