/** sync-message-port: the counter on which a thread waits for messages of another. */
import type { BuffersProgram } from "../../src/explore/index.ts";
import { installed } from "./installed.ts";

interface Counter {
  increment(): void;
  decrement(): void;
  close(): void;
  wait(timeout?: number): boolean;
}

const { AtomicCounter } = await installed<{
  readonly AtomicCounter: new (buffer: SharedArrayBuffer) => Counter;
}>("sync-message-port/dist/lib/atomic_counter.js");

type Program = BuffersProgram<{ readonly counter: number }>;
interface Shared {
  readonly counter: SharedArrayBuffer;
}

const post =
  (times: number) =>
  ({ counter }: Shared): void => {
    const posted = new AtomicCounter(counter);
    for (let i = 0; i < times; i++) posted.increment();
  };

const receive =
  (times: number) =>
  ({ counter }: Shared): void => {
    const received = new AtomicCounter(counter);
    for (let i = 0; i < times; i++) {
      received.wait();
      received.decrement();
    }
  };

export const messages: Program = {
  name: "sync-message-port/messages",
  buffers: { counter: 16 },
  tasks: { poster: post(3), receiver: receive(3) },
};

export const close: Program = {
  name: "sync-message-port/close",
  buffers: { counter: 16 },
  tasks: {
    poster: (shared) => {
      post(1)(shared);
      new AtomicCounter(shared.counter).close();
    },
    receiver: receive(3),
  },
};

export const twoReceivers: Program = {
  name: "sync-message-port/two-receivers",
  buffers: { counter: 16 },
  tasks: { poster: post(2), one: receive(1), two: receive(1) },
};
