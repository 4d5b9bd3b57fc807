// SPDX-License-Identifier: GPL-2.0-only
/** Up to sixteen bytes as the kernel dumps them (hex_dump_to_buffer): digits, then characters. */
const BYTES_A_ROW = 16;

/** The characters begin in one column, however few bytes there are. */
export function hexRow(bytes: readonly number[]): string {
  const cells = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `${cells.padEnd(BYTES_A_ROW * 3)} ${bytes.map(printable).join("")}`;
}

function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".";
}
