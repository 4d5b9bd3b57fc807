// SPDX-License-Identifier: MIT
/** A program of unmodified JavaScript over shared buffers, as its author writes it. */

import type { MemoryModel } from "../store-buffers.ts";

/** One operation of a task: runs without await, and again from its start when it is resumed. */
export type TaskOperation<S> = (shared: S, results: readonly unknown[]) => unknown;

/** `["push", 1]`: a call of a method of the task's object. */
export type MethodCall = readonly [method: string, ...args: unknown[]];

/** What the tasks returned, by their names: one result, or a list where the task is a list. */
export type Results = Readonly<Record<string, unknown>>;

interface Common<S> {
  /** Part of the token: letters, digits, `-`, `.`, `/`. Default `program`. */
  readonly name?: string;
  /** Runs once, before all schedules: what it leaves in the buffers is the beginning of each. */
  readonly init?: (shared: S) => void;
  /** Throws a failure that it finds, when all tasks have finished. */
  readonly check?: (shared: S, results: Results) => void;
  /**
   * A loop that comes back so often to words that do not change gives way to other tasks until one
   * does. A loop that spins fewer rounds, then does something else, is explored whole. Default 8.
   */
  readonly spins?: number;
  /** When a task's plain stores are seen by the others; see store-buffers.ts. Default `sc`: at once. */
  readonly memory?: MemoryModel;
}

interface OfOperations<S> {
  /** By name: an operation, or a list of them. Each task is a thread of its own. */
  readonly tasks: Readonly<Record<string, TaskOperation<S> | readonly TaskOperation<S>[]>>;
  readonly object?: undefined;
  readonly spec?: undefined;
}

interface OfCalls<S> {
  /** Makes the object that a task calls; each task has its own over the same buffers. */
  readonly object: (shared: S) => object;
  /** By name: the calls of the task, `[["push", 1], ["pop"]]`. */
  readonly tasks: Readonly<Record<string, readonly MethodCall[]>>;
  /** A sequential object with the same methods: some order of the calls must explain all results. */
  readonly spec?: () => object;
}

interface OverWords {
  /** The tasks share an Int32Array of so many zeros. */
  readonly words: number;
  /** Words that reports call by name: `{ head: 0, tail: 1 }`. */
  readonly names?: Readonly<Record<string, number>>;
  readonly buffers?: undefined;
}

interface OverBuffers<B> {
  /** The buffers that the tasks share, by name: bytes of a new one, or one that is there already. */
  readonly buffers: B;
  readonly words?: undefined;
  readonly names?: undefined;
}

export type BufferSpecs = Readonly<Record<string, number | SharedArrayBuffer>>;
export type BuffersOf<B> = { readonly [K in keyof B]: SharedArrayBuffer };

type Work<S> = OfOperations<S> | OfCalls<S>;

export type WordsProgram = OverWords & Common<Int32Array> & Work<Int32Array>;
export type BuffersProgram<B extends BufferSpecs> = OverBuffers<B> &
  Common<BuffersOf<B>> &
  Work<BuffersOf<B>>;

export type JavaScriptProgram = WordsProgram | BuffersProgram<BufferSpecs>;
