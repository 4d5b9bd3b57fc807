/**
 * @moq/watch: the ring between the page and its audio worklet. The published bundle cannot be loaded
 * outside of a bundler; its source map has the source; FOUND/moq/ring.mts
 * holds a copy.
 */
import type { BuffersProgram } from "../../src/explore/index.ts";
import { installed } from "./installed.ts";

interface Ring {
  insert(microseconds: number, data: readonly Float32Array[]): void;
  read(output: readonly Float32Array[]): number;
  setLatency(samples: number): void;
}

interface Shared {
  readonly samples: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
}

const { SharedRingBuffer } = await installed<{
  readonly SharedRingBuffer: new (init: object) => Ring;
}>("../moq/ring.mts");

const CAPACITY = 4;
const SECOND = 1_000_000;

const over = (shared: Shared, buffered: boolean): Ring =>
  new SharedRingBuffer({ ...shared, channels: 1, capacity: CAPACITY, rate: 1, buffered });

/** Sample number n has the value n. */
const insert = (ring: Ring, first: number, count: number): void =>
  ring.insert(first * SECOND, [Float32Array.from({ length: count }, (_, i) => first + i)]);

const read = (shared: Shared): number[] => {
  const output = new Float32Array(CAPACITY);
  const count = over(shared, false).read([output]);
  return Array.from(output.subarray(0, count));
};

const isRising = (samples: readonly number[]): boolean =>
  samples.every((sample, i) => i === 0 || sample === (samples[i - 1] ?? 0) + 1);

const program = (
  name: string,
  inserts: readonly (readonly [first: number, count: number])[],
): BuffersProgram<{ readonly samples: number; readonly control: number }> => ({
  name: `moq-watch/${name}`,
  buffers: { samples: 4 * CAPACITY, control: 16 },
  init: (shared) => {
    const ring = over(shared, false);
    ring.setLatency(CAPACITY);
    insert(ring, 0, CAPACITY);
  },
  tasks: {
    page: (shared) => {
      for (const [first, count] of inserts) insert(over(shared, false), first, count);
    },
    worklet: [read, read],
  },
  check: (_shared, { worklet }) => {
    for (const samples of worklet as number[][]) {
      if (!isRising(samples)) throw new Error(`one read gave ${samples}`);
    }
  },
});

/** The ring is full when more comes. */
export const overflow = program("overflow", [[CAPACITY, 2]]);

/** What comes is old, and dropped. */
export const old = program("old", [[0, 2]]);
