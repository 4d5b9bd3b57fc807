/** ringbuf.js: the ring is for one producer and one consumer. */
import { RingBuffer } from "ringbuf.js";
import type { BuffersProgram } from "../../src/explore/index.ts";

interface Shared {
  readonly ring: SharedArrayBuffer;
}

/** Room for three elements: one place stays free. */
const BYTES = RingBuffer.getStorageForCapacity(3, Uint8Array).byteLength;

const over = ({ ring }: Shared): RingBuffer => new RingBuffer(ring, Uint8Array);

const push =
  (...values: readonly number[]) =>
  (shared: Shared): number[] => {
    const ring = over(shared);
    return values.filter((value) => ring.push(Uint8Array.of(value)) === 1);
  };

const pop =
  (times: number) =>
  (shared: Shared): number[] => {
    const ring = over(shared);
    const place = new Uint8Array(1);
    const popped: number[] = [];
    for (let i = 0; i < times; i++) if (ring.pop(place) === 1) popped.push(place[0] ?? 0);
    return popped;
  };

type Program = BuffersProgram<{ readonly ring: number }>;

export const oneProducer: Program = {
  name: "ringbuf/one-producer",
  buffers: { ring: BYTES },
  tasks: { producer: push(1, 2, 3, 4, 5), consumer: pop(4) },
  check: (_shared, { producer, consumer }) => {
    if (`${producer}`.startsWith(`${consumer}`)) return;
    throw new Error(`${producer} went in, ${consumer} came out`);
  },
};

export const twoProducers: Program = {
  name: "ringbuf/two-producers",
  buffers: { ring: BYTES },
  tasks: { one: push(1), two: push(2) },
  check: (shared, { one, two }) => {
    const went = [one, two].flat().length;
    const ring = over(shared).availableRead();
    if (went !== ring) throw new Error(`${went} went in, ${ring} are there`);
  },
};
