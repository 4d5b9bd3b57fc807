/** Hears of accesses when they happen: a race detector, a recorder. */
import type { Address } from "../machine/memory.ts";
import type { Context } from "./context.ts";

export interface Observer {
  /** A schedule begins. */
  reset(): void;
  /** `value` is what was read, or written by a plain write; `a` and `b` what a swap would store. */
  accessed(
    context: Context,
    kind: number,
    address: Address,
    value: number,
    a: number,
    b: number,
  ): void;
  /** `context` runs on its CPU from now on, after `before`, the context that ran there last. */
  switched(context: Context, before: Context | undefined): void;
  /** No context is in mid-operation on `cpu` any more; its `lease` is given back, a release. */
  idle(cpu: number, lease: Address): void;
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
  };
}
