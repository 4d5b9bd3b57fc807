// SPDX-License-Identifier: MIT
/**
 * UTF-8 by hand: TextDecoder refuses memory that is shared, and an AudioWorklet has none. What is no
 * character, in either direction, becomes U+FFFD.
 */

const REPLACEMENT = 0xfffd;

export function utf8Of(text: string): Uint8Array {
  // A unit of UTF-16 takes three bytes at most.
  const bytes = new Uint8Array(text.length * 3);
  let end = 0;
  for (const character of text) {
    let code = character.codePointAt(0) as number;
    if (code >= 0xd800 && code < 0xe000) code = REPLACEMENT;
    if (code < 0x80) {
      bytes[end++] = code;
      continue;
    }
    const more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    // As many bits are set as there are bytes.
    bytes[end++] = ((0xf00 >> (more + 1)) & 0xff) | (code >> (6 * more));
    for (let left = more - 1; left >= 0; left--) bytes[end++] = 0x80 | ((code >> (6 * left)) & 63);
  }
  return bytes.subarray(0, end);
}

/** Bytes that follow a first byte, what it counts for, and the least that so many bytes may say. */
function begin(byte: number): readonly [more: number, code: number, least: number] {
  if (byte < 0x80) return [0, byte, 0];
  if (byte >= 0xc2 && byte < 0xe0) return [1, byte & 31, 0x80];
  if (byte >= 0xe0 && byte < 0xf0) return [2, byte & 15, 0x800];
  if (byte >= 0xf0 && byte < 0xf5) return [3, byte & 7, 0x10000];
  return [0, REPLACEMENT, 0];
}

/** So many characters become text at a time: one by one, a long text would be a rope of them. */
const PART = 4096;

export function textOfUtf8(bytes: ArrayLike<number>): string {
  const parts: string[] = [];
  let codes: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    let [more, code, least] = begin(bytes[at++] as number);
    for (; more > 0 && ((bytes[at] ?? 0) & 0xc0) === 0x80; more--) {
      code = (code << 6) | ((bytes[at++] as number) & 63);
    }
    const isBad = more > 0 || code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000);
    codes.push(isBad ? REPLACEMENT : code);
    if (codes.length < PART) continue;
    parts.push(String.fromCodePoint(...codes));
    codes = [];
  }
  return parts.join("") + String.fromCodePoint(...codes);
}
