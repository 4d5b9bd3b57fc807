// SPDX-License-Identifier: GPL-2.0-only
/** Text in shared memory: one byte a character, a NUL at the end; four at a time. */
import type { Address, Memory } from "./memory.ts";

/** Bytes that `writeText` needs: whole words. */
export function textBytes(text: string): number {
  return ((text.length >> 2) + 1) * 4;
}

/** Characters beyond Latin-1 become question marks. */
export function writeText(memory: Memory, at: Address, text: string): void {
  const code = (i: number): number => {
    const c = i < text.length ? text.charCodeAt(i) : 0;
    return c < 256 ? c : 63;
  };
  for (let i = 0; i < textBytes(text); i += 4) {
    memory.write32(
      at + i,
      code(i) | (code(i + 1) << 8) | (code(i + 2) << 16) | (code(i + 3) << 24),
    );
  }
}

export function readText(memory: Memory, at: Address): string {
  let text = "";
  for (let i = 0; ; i += 4) {
    const four = memory.read32(at + i);
    for (let shift = 0; shift < 32; shift += 8) {
      const c = (four >>> shift) & 0xff;
      if (c === 0) return text;
      text += String.fromCharCode(c);
    }
  }
}
