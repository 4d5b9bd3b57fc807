// SPDX-License-Identifier: GPL-2.0-only
/** Addresses as a 64-bit kernel prints them (%p): sixteen digits, NULL in its own way. */
import type { Address } from "../machine/memory.ts";
import { type KernelVersion, since } from "./kernel-version.ts";

const DIGITS = 16;

/** Sixteen digits, as in front of the bytes of a hex dump. */
export function digits(address: Address): string {
  return (address >>> 0).toString(16).padStart(DIGITS, "0");
}

/** `0x%p`. Until 5.8 NULL was a word in the place of the digits. */
export function pointerText(kernel: KernelVersion, address: Address): string {
  const isWord = address === 0 && !since(kernel, "5.8");
  return `0x${isWord ? "(null)".padStart(DIGITS) : digits(address)}`;
}
