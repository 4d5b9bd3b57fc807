/** @webaudiomodules/sdk: the ring between a node and its processor. */
import type { BuffersProgram } from "../../src/explore/index.ts";
import { installed } from "./installed.ts";

interface Ring {
  push(elements: Uint8Array): number;
  pop(elements: Uint8Array): number;
}
type Constructor = new (storage: SharedArrayBuffer, type: typeof Uint8Array) => Ring;

const { default: getRingBuffer } = await installed<{ readonly default: () => Constructor }>(
  "@webaudiomodules/sdk/src/RingBuffer.js",
);
const RingBuffer = getRingBuffer();

const push = (ring: Ring, value: number): boolean => ring.push(new Uint8Array([value])) === 1;
const pop = (ring: Ring): number | undefined => {
  const element = new Uint8Array(1);
  return ring.pop(element) === 1 ? element[0] : undefined;
};

/** Room for two elements, and one to tell full from empty. */
export const ring: BuffersProgram<{ storage: number }> = {
  name: "wam-sdk/ring",
  buffers: { storage: 11 },
  tasks: {
    producer: ({ storage }) => {
      const made = new RingBuffer(storage, Uint8Array);
      return [1, 2, 3, 4].filter((value) => push(made, value));
    },
    consumer: ({ storage }) => {
      const made = new RingBuffer(storage, Uint8Array);
      return [pop(made), pop(made), pop(made)].filter((value) => value !== undefined);
    },
  },
  check: (_, { producer, consumer }) => {
    if (!`${producer}`.startsWith(`${consumer}`))
      throw new Error(`${producer} in, ${consumer} out`);
  },
};
