// SPDX-License-Identifier: MIT
/**
 * Puts stand-ins into the place of JavaScript's shared memory while a program is explored: typed
 * arrays, DataView, Atomics. Time stands still and chance is the explorer's, since an operation that
 * runs again must do the same. Nothing of it is there outside of `during`.
 *
 * Code that has kept `Atomics.load` or `Int32Array` in a variable of its own goes around the stand-ins:
 * a kept method of Atomics refuses the explored arrays, a kept constructor is noticed afterwards
 * (buffers.ts).
 */
import type { ExploredMemory } from "../explored-memory.ts";
import type { DataViews } from "./data-views.ts";
import { ELEMENT_TYPES } from "./element-types.ts";
import type { Views } from "./views.ts";

const isRealView = ArrayBuffer.isView;

type Owner = Record<string, unknown>;

interface Replacement {
  readonly owner: Owner;
  readonly name: string;
  readonly value: unknown;
}

export class StandIns {
  private readonly replacements: readonly Replacement[];

  constructor(
    memory: ExploredMemory,
    { views, dataViews, atomics }: { views: Views; dataViews: DataViews; atomics: typeof Atomics },
  ) {
    const globals = globalThis as unknown as Owner;
    const arrays = [...ELEMENT_TYPES.values()].map((type) => ({
      owner: globals,
      name: type.name,
      value: constructorOf(type.array, (...given) => {
        const [source, offset, length] = given;
        const view = views.of(source);
        if (view !== undefined) return new type.array(views.copyOf(view) as never);
        return views.over(type, source, offset as number, length as number);
      }),
    }));
    const dataView = constructorOf(DataView, (...given) =>
      dataViews.over(given[0], given[1] as number, given[2] as number),
    );
    const clock = globals.performance as Owner | undefined;
    /** In an operation `standIn`, else what there was: the search has a time limit. */
    const inOperations = (owner: Owner, name: string, standIn: () => number): Replacement => {
      const real = owner[name] as () => number;
      return {
        owner,
        name,
        value: () => (memory.stops.isOn ? standIn() : Reflect.apply(real, owner, [])),
      };
    };
    this.replacements = [
      ...arrays,
      { owner: globals, name: "DataView", value: dataView },
      { owner: globals, name: "Atomics", value: atomics },
      {
        owner: ArrayBuffer as unknown as Owner,
        name: "isView",
        value: (given: unknown) =>
          views.of(given) !== undefined || dataViews.has(given) || isRealView(given),
      },
      inOperations(Math as unknown as Owner, "random", () => fraction(memory.random())),
      inOperations(Date as unknown as Owner, "now", () => 0),
      ...(clock === undefined ? [] : [inOperations(clock, "now", () => 0)]),
    ];
  }

  /** Runs `section` with the stand-ins in place. */
  during<T>(section: () => T): T {
    const before = this.replacements.map(({ owner, name }) =>
      Object.getOwnPropertyDescriptor(owner, name),
    );
    for (const { owner, name, value } of this.replacements) {
      Object.defineProperty(owner, name, { value, configurable: true, writable: true });
    }
    try {
      return section();
    } finally {
      this.replacements.forEach(({ owner, name }, i) => {
        const descriptor = before[i];
        if (descriptor === undefined) delete owner[name];
        else Object.defineProperty(owner, name, descriptor);
      });
    }
  }
}

/** 32 random bits as Math.random gives them. */
function fraction(bits: number): number {
  return (bits >>> 0) / 2 ** 32;
}

/** `real`, but an object that `make` gives takes the place of a constructed one. */
function constructorOf<T extends object>(
  real: new (...given: never[]) => T,
  make: (...given: unknown[]) => T | undefined,
): unknown {
  const standIn: unknown = new Proxy(real, {
    construct(target, given, newTarget) {
      const made = newTarget === standIn ? make(...given) : undefined;
      return made ?? Reflect.construct(target, given, newTarget === standIn ? target : newTarget);
    },
  });
  return standIn;
}
