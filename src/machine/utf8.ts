// SPDX-License-Identifier: MIT
/**
 * UTF-8 by hand: TextDecoder refuses memory that is shared, and an AudioWorklet has none. What is no
 * character, in either direction, becomes U+FFFD.
 */

const REPLACEMENT = 0xfffd;

export function utf8Of(text: string): number[] {
  const bytes: number[] = [];
  for (const character of text) {
    let code = character.codePointAt(0) as number;
    if (code >= 0xd800 && code < 0xe000) code = REPLACEMENT;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) {
      bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    } else {
      bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63));
      bytes.push(0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
  }
  return bytes;
}

/** Bytes that follow a first byte, what it counts for, and the least that so many bytes may say. */
function begin(byte: number): readonly [more: number, code: number, least: number] {
  if (byte < 0x80) return [0, byte, 0];
  if (byte >= 0xc2 && byte < 0xe0) return [1, byte & 31, 0x80];
  if (byte >= 0xe0 && byte < 0xf0) return [2, byte & 15, 0x800];
  if (byte >= 0xf0 && byte < 0xf5) return [3, byte & 7, 0x10000];
  return [0, REPLACEMENT, 0];
}

export function textOfUtf8(bytes: ArrayLike<number>): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    let [more, code, least] = begin(bytes[at++] as number);
    for (; more > 0 && ((bytes[at] ?? 0) & 0xc0) === 0x80; more--) {
      code = (code << 6) | ((bytes[at++] as number) & 63);
    }
    const isBad = more > 0 || code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000);
    text += String.fromCodePoint(isBad ? REPLACEMENT : code);
  }
  return text;
}
