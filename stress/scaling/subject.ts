// SPDX-License-Identifier: GPL-2.0-only
/**
 * A subject of measurement: anything that allocates and frees blocks of memory. Each is an adapter
 * in one file, runs in an isolate of its own (V8 optimises for the only allocator it has seen) and
 * is driven by the same workloads as all the others. Adapters are functions over constants, made anew
 * for each point: V8 then sees the allocator as it does in a program that keeps it in a constant.
 */
import type { Address } from "../../src/machine/memory.ts";

/** The handle of an allocation: an address, or an object of the engine's heap. */
export type Handle = Address | object;

export interface Subject<H extends Handle = Handle> {
  alloc(size: number): H;
  free(object: H): void;
  /** Fills objects[0..count). */
  allocBulk(size: number, count: number, objects: H[]): void;
  /** Frees objects[0..count) and uses them up. */
  freeBulk(count: number, objects: H[]): void;
  /** Writes the first `bytes` of the object, `times` times over. */
  touch(object: H, bytes: number, times: number): void;
  /** Runs a stretch of work as this thread's CPU, where the subject has such a thing. */
  run<T>(work: () => T): T;
  /** Hands objects to other threads; absent where shared words can carry the handles. */
  readonly mail?: Mail<H> | undefined;
}

/** Objects on their way from one CPU to another, a batch at a time. */
export interface Mail<H extends Handle = Handle> {
  send(to: number, batch: readonly H[]): void;
  receive(from: number): H[];
}
