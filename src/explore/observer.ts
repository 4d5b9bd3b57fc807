// SPDX-License-Identifier: MIT
/** Hears of accesses when they happen: a race detector, a recorder. */
import type { Address } from "../machine/memory.ts";
import type { Context } from "./context.ts";

/** An access that was done. */
export interface Access {
  readonly kind: number;
  readonly address: Address;
  /** The value read, or written by a plain write. */
  readonly value: number;
  /** Arguments of the access: the two values of a swap, or the bytes of a range. */
  readonly a: number;
  readonly b: number;
}

export interface Observer {
  /** A schedule begins. */
  reset(): void;
  accessed(context: Context, access: Access): void;
  /** `context` runs on its CPU from now on, after `before`, the context that ran there last. */
  switched(context: Context, before: Context | undefined): void;
  /** No context is in mid-operation on `cpu` any more; its `lease` is given back, a release. */
  idle(cpu: number, lease: Address): void;
  /** The running context has seen the word, and waits until it changes. */
  blocked?(address: Address): void;
  /** Contexts that wait for the word are woken. */
  notified?(address: Address): void;
  /** The operation of the running context has ended, and a check after each operation may follow. */
  finished?(): void;
  /** That check reads a word of the memory. */
  looked?(address: Address): void;
  /** That check is over. */
  checked?(): void;
}

/** Two observers as one. The first has heard of an access before the second may throw at it. */
export function both(first: Observer, second: Observer): Observer {
  return {
    reset() {
      first.reset();
      second.reset();
    },
    accessed(...access) {
      first.accessed(...access);
      second.accessed(...access);
    },
    switched(...turn) {
      first.switched(...turn);
      second.switched(...turn);
    },
    idle(...at) {
      first.idle(...at);
      second.idle(...at);
    },
    blocked(address) {
      first.blocked?.(address);
      second.blocked?.(address);
    },
    notified(address) {
      first.notified?.(address);
      second.notified?.(address);
    },
    finished() {
      first.finished?.();
      second.finished?.();
    },
    looked(address) {
      first.looked?.(address);
      second.looked?.(address);
    },
    checked() {
      first.checked?.();
      second.checked?.();
    },
  };
}
