// SPDX-License-Identifier: GPL-2.0-only
/** Addresses as people write them. */
import type { Address } from "./memory.ts";

export function hex(address: Address): string {
  return `0x${(address >>> 0).toString(16)}`;
}

/** The first few of many addresses. */
export function hexList(addresses: readonly Address[]): string {
  const shown = addresses.slice(0, 4).map(hex).join(", ");
  return addresses.length > 4 ? `${shown} and ${addresses.length - 4} more` : shown;
}
