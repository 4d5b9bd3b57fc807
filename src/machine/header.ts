// SPDX-License-Identifier: MIT
/**
 * The header: what a thread must know to take part, in the first page of the machine's memory, which
 * belongs to nobody. So the memory alone tells whether a machine is there, and how it was made.
 *
 *     magic | version of the layout | hash of the text | length of the text | text, a byte a character
 */
import type { Address } from "./memory.ts";

/** "SLAB". */
const MAGIC = 0x42414c53;
/** Changes with every change of what lies where in the memory, or of what it means. */
const VERSION = 3;

const TEXT = 16;
const PAGE = 4096;

/** The memory is none that this thread could attach to; the message says why. */
export class AttachError extends RangeError {
  override name = "AttachError";
}

interface Bytes {
  readonly buffer: ArrayBufferLike;
}

function hashOf(bytes: Uint8Array): number {
  return bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), VERSION) | 0;
}

export function hasHeader(memory: Bytes, start: Address): boolean {
  return Atomics.load(new Int32Array(memory.buffer, start, 1), 0) === MAGIC;
}

/**
 * The machine is up: other threads may attach from here on.
 * @throws RangeError where the text is too long
 */
export function writeHeader(memory: Bytes, start: Address, text: string): void {
  const escaped = text.replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  if (escaped.length > PAGE - TEXT) {
    throw new RangeError(
      `the options take ${escaped.length} bytes: there is room for ${PAGE - TEXT}`,
    );
  }
  const bytes = new Uint8Array(memory.buffer, start + TEXT, escaped.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = escaped.charCodeAt(i);
  const words = new Int32Array(memory.buffer, start, TEXT / 4);
  words.set([0, VERSION, hashOf(bytes), bytes.length]);
  // Last, and atomic: a thread that sees it sees the rest.
  Atomics.store(words, 0, MAGIC);
}

/** The text of a machine that is up. @throws AttachError */
export function readHeader(memory: Bytes, start: Address): string {
  if (memory.buffer.byteLength < start + PAGE) {
    throw new AttachError(`attach: ${memory.buffer.byteLength} bytes hold no kernel at ${start}`);
  }
  const words = new Int32Array(memory.buffer, start, TEXT / 4);
  if (Atomics.load(words, 0) !== MAGIC) {
    throw new AttachError(`attach: no kernel has been booted in this memory at ${start}`);
  }
  const [, version, hash, length = 0] = words;
  if (version !== VERSION) {
    throw new AttachError(
      `attach: this memory has layout ${version}, of another version of slablab; here it is ${VERSION}`,
    );
  }
  const isLength = length > 0 && length <= PAGE - TEXT;
  const bytes = new Uint8Array(memory.buffer, start + TEXT, isLength ? length : 0);
  if (hashOf(bytes) !== hash) {
    throw new AttachError("attach: the first page of this memory was overwritten");
  }
  return String.fromCharCode(...bytes);
}
