// SPDX-License-Identifier: MIT
/**
 * Atomics over explored arrays. Each call is one step and a full barrier. Calls on other arrays go to
 * the real Atomics.
 */
import type { Address } from "../../machine/memory.ts";
import type { ExploredMemory } from "../explored-memory.ts";
import { updateElement } from "./elements.ts";
import type { View, Views } from "./views.ts";
import type { WaitAnswer, WaitList } from "./wait-list.ts";

type Element = number | bigint;

const RealAtomics = Atomics;

/** What each read-modify-write makes of the element found and the value given. */
const CHANGES: Readonly<Record<string, (found: never, given: never) => unknown>> = {
  add: (found: number, given: number) => found + given,
  sub: (found: number, given: number) => found - given,
  and: (found: number, given: number) => found & given,
  or: (found: number, given: number) => found | given,
  xor: (found: number, given: number) => found ^ given,
  exchange: (_: unknown, given: unknown) => given,
};

export function exploredAtomics(
  memory: ExploredMemory,
  views: Views,
  waitList: WaitList,
): typeof Atomics {
  /** The view, and the address of its element. @throws TypeError, RangeError as Atomics does. */
  function place(view: View, index: unknown): Address {
    if (!view.type.hasAtomics) throw new TypeError("[object Array] is not an integer typed array");
    const at = Math.trunc(Number(index)) || 0;
    if (at < 0 || at >= view.real.length) throw new RangeError("Invalid atomic access index");
    return view.at + at * view.type.bytes;
  }

  /** A value as the array's elements are: an integer, or a bigint. */
  const asElement = ({ type }: View, value: unknown): Element => {
    const given = type.bytes === 8 ? value : Math.trunc(Number(value)) || 0;
    return type.fromWords(...type.toWords(given));
  };

  const changes = Object.fromEntries(
    Object.entries(CHANGES).map(([name, change]) => [
      name,
      (array: unknown, index: unknown, value: unknown) => {
        const view = views.of(array);
        if (view === undefined) return realCall(name, array, index, value);
        const at = place(view, index);
        const given = asElement(view, value) as never;
        return updateElement(memory, view.type, at, (found) => change(found as never, given));
      },
    ]),
  );

  const explored = {
    ...changes,
    load(array: unknown, index: unknown): unknown {
      const view = views.of(array);
      if (view === undefined) return realCall("load", array, index);
      const at = place(view, index);
      if (view.type.bytes !== 4) return updateElement(memory, view.type, at, (found) => found);
      return view.type.fromWords(memory.loadAcquire(at), 0);
    },
    store(array: unknown, index: unknown, value: unknown): unknown {
      const view = views.of(array);
      if (view === undefined) return realCall("store", array, index, value);
      const at = place(view, index);
      const stored = asElement(view, value);
      updateElement(memory, view.type, at, () => stored);
      return view.type.bytes === 8 ? value : Math.trunc(Number(value)) || 0;
    },
    compareExchange(array: unknown, index: unknown, expected: unknown, value: unknown): unknown {
      const view = views.of(array);
      if (view === undefined) return realCall("compareExchange", array, index, expected, value);
      const at = place(view, index);
      const wanted = asElement(view, expected);
      const stored = asElement(view, value);
      return updateElement(memory, view.type, at, (found) => (found === wanted ? stored : found));
    },
    wait(array: unknown, index: unknown, value: unknown, timeout?: number): WaitAnswer {
      const view = views.of(array);
      if (view === undefined) return realCall("wait", array, index, value, timeout) as WaitAnswer;
      const at = waitingPlace(view, index);
      const [low, high] = view.type.toWords(asElement(view, value));
      const limit = Number(timeout);
      return waitList.wait(
        at,
        view.type.bytes,
        (foundLow, foundHigh) => foundLow === low && foundHigh === high,
        Number.isNaN(limit) ? Number.POSITIVE_INFINITY : limit,
      );
    },
    notify(array: unknown, index: unknown, count?: number): number {
      const view = views.of(array);
      if (view === undefined) return realCall("notify", array, index, count) as number;
      const most = count === undefined ? Number.POSITIVE_INFINITY : Math.trunc(Number(count)) || 0;
      return waitList.notify(waitingPlace(view, index), view.type.bytes, Math.max(0, most));
    },
    waitAsync(array: unknown, ...given: unknown[]): unknown {
      if (views.of(array) === undefined) return realCall("waitAsync", array, ...given);
      throw new TypeError("Atomics.waitAsync cannot be explored: an operation runs without await");
    },
    isLockFree: (bytes: number) => RealAtomics.isLockFree(bytes),
    /** A hint to the processor; what a loop waits for is found by the explorer (spin-watch.ts). */
    pause(): void {},
    [Symbol.toStringTag]: "Atomics",
  };

  function waitingPlace(view: View, index: unknown): Address {
    if (!view.type.hasWaiting) {
      throw new TypeError("[object Array] is not an int32 or BigInt64 typed array");
    }
    return place(view, index);
  }

  return explored as unknown as typeof Atomics;
}

function realCall(name: string, ...given: unknown[]): unknown {
  const [array] = given;
  const real = Reflect.get(RealAtomics, name) as (...all: unknown[]) => unknown;
  return real.apply(RealAtomics, array === undefined ? [] : given);
}
