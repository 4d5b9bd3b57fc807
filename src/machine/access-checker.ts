// SPDX-License-Identifier: MIT
/**
 * A checker of addresses, at the seam between programs and memory: it is asked before each access of a
 * program to an object. The allocator's own accesses do not ask, as the kernel builds its slab
 * allocators without such checks: they have every reason to look at free objects.
 */
import type { Address } from "./memory.ts";

export interface AccessChecker {
  /** Whether accesses by a view that begins at the address need be asked about; all, where left out. */
  concerns?(address: Address): boolean;
  /** A program is about to read or write `bytes` bytes from `address` on. */
  check(address: Address, bytes: number, isWrite: boolean): void;
}

/** A checker that asks one and then the other, which may be missing. */
export function bothCheckers(first: AccessChecker, second?: AccessChecker): AccessChecker {
  if (second === undefined) return first;
  return {
    concerns: (address) =>
      first.concerns?.(address) !== false || second.concerns?.(address) !== false,
    check: (address, bytes, isWrite) => {
      first.check(address, bytes, isWrite);
      second.check(address, bytes, isWrite);
    },
  };
}
