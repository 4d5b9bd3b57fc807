// SPDX-License-Identifier: GPL-2.0-only
/**
 * The kernel's circular doubly linked lists over shared memory: an entry is two words, next and
 * previous. A removed entry is poisoned, so that removing it twice is seen and not silently done.
 * The caller holds the lock that guards the list.
 */
import { KernelBug } from "./kernel-bug.ts";
import type { Address, Memory } from "./memory.ts";

const NEXT = 0;
const PREVIOUS = 4;

/** What a removed entry points to: an address inside page 0, which belongs to no one. */
export const LIST_POISON = 0x100;

export function initListHead(memory: Memory, head: Address): void {
  memory.write32(head + NEXT, head);
  memory.write32(head + PREVIOUS, head);
}

export function listNext(memory: Memory, entry: Address): Address {
  return memory.read32(entry + NEXT);
}

export function listPrevious(memory: Memory, entry: Address): Address {
  return memory.read32(entry + PREVIOUS);
}

export function listEmpty(memory: Memory, head: Address): boolean {
  return memory.read32(head + NEXT) === head;
}

function insertBetween(memory: Memory, entry: Address, before: Address, after: Address): void {
  if (memory.read32(after + PREVIOUS) !== before || memory.read32(before + NEXT) !== after) {
    throw new KernelBug(
      "list-corruption",
      `list_add corruption: ${before} and ${after} are no longer neighbours`,
    );
  }
  memory.write32(after + PREVIOUS, entry);
  memory.write32(entry + NEXT, after);
  memory.write32(entry + PREVIOUS, before);
  memory.write32(before + NEXT, entry);
}

/** Puts `entry` first. */
export function listAdd(memory: Memory, entry: Address, head: Address): void {
  insertBetween(memory, entry, head, memory.read32(head + NEXT));
}

/** Puts `entry` last. */
export function listAddTail(memory: Memory, entry: Address, head: Address): void {
  insertBetween(memory, entry, memory.read32(head + PREVIOUS), head);
}

/** Takes `entry` out of its list; an entry that is on none is a list-corruption. */
export function listDel(memory: Memory, entry: Address): void {
  const next = memory.read32(entry + NEXT);
  const previous = memory.read32(entry + PREVIOUS);
  if (
    next <= LIST_POISON ||
    previous <= LIST_POISON ||
    memory.read32(previous + NEXT) !== entry ||
    memory.read32(next + PREVIOUS) !== entry
  ) {
    throw new KernelBug("list-corruption", `list_del corruption: ${entry} is on no list`);
  }
  memory.write32(next + PREVIOUS, previous);
  memory.write32(previous + NEXT, next);
  memory.write32(entry + NEXT, LIST_POISON);
  memory.write32(entry + PREVIOUS, LIST_POISON);
}

export function listMove(memory: Memory, entry: Address, head: Address): void {
  listDel(memory, entry);
  listAdd(memory, entry, head);
}

/** Moves all entries of `from` to the front of `to`; `from` is left empty. */
export function listSplice(memory: Memory, from: Address, to: Address): void {
  const first = memory.read32(from + NEXT);
  if (first === from) return;
  const last = memory.read32(from + PREVIOUS);
  const after = memory.read32(to + NEXT);
  memory.write32(first + PREVIOUS, to);
  memory.write32(to + NEXT, first);
  memory.write32(last + NEXT, after);
  memory.write32(after + PREVIOUS, last);
  initListHead(memory, from);
}
