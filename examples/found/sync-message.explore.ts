/** sync-message: a message for a thread that waits for it. */
import type { BuffersProgram } from "../../src/explore/index.ts";
import { installed } from "./installed.ts";

interface Channel {
  readonly type: "atomics";
  readonly data: Uint8Array;
  readonly meta: Int32Array;
}

// The module looks for the global object by its name in browsers.
Object.assign(globalThis, { self: globalThis });
const { writeMessageAtomics, readMessage } = (
  await installed<{
    readonly default: {
      writeMessageAtomics(channel: Channel, message: unknown): void;
      readMessage(channel: Channel, id: string): unknown;
    };
  }>("sync-message/dist/index.js")
).default;

interface Shared {
  readonly data: SharedArrayBuffer;
  readonly meta: SharedArrayBuffer;
}

const over = ({ data, meta }: Shared): Channel => ({
  type: "atomics",
  data: new Uint8Array(data),
  meta: new Int32Array(meta),
});

const write = (message: number) => (shared: Shared) => writeMessageAtomics(over(shared), message);
const read = (shared: Shared) => readMessage(over(shared), "");

type Program = BuffersProgram<{ readonly data: number; readonly meta: number }>;

export const oneMessage: Program = {
  name: "sync-message/one-message",
  buffers: { data: 8, meta: 8 },
  tasks: { writer: write(12), reader: read },
  check: (_shared, { reader }) => {
    if (reader !== 12) throw new Error(`12 was written, ${reader} read`);
  },
};

export const twoMessages: Program = {
  name: "sync-message/two-messages",
  buffers: { data: 8, meta: 8 },
  tasks: { writer: [write(12), write(34)], reader: [read, read] },
  check: (_shared, { reader }) => {
    if (`${reader}` !== "12,34") throw new Error(`12,34 were written, ${reader} read`);
  },
};
