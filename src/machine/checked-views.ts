// SPDX-License-Identifier: MIT
/**
 * Views that ask a checker before each access: a stand-in for each typed array, DataView or struct. An
 * index outside of a view is an access, too, to what lies there. The language's Atomics refuse a
 * stand-in; `atomics` are the same functions for both.
 */
import type { AccessChecker } from "./access-checker.ts";
import type { Address } from "./memory.ts";
import { type ViewClass, Views } from "./views.ts";

type TypedArray = Uint8Array | Int32Array;
type Method = (...args: unknown[]) => unknown;
type Range = readonly [from: number, to: number];

/** Methods that write what they touch, and those that touch nothing. */
const WRITING: ReadonlySet<PropertyKey> = new Set(["fill", "set", "copyWithin", "reverse", "sort"]);
const TOUCHING_NOTHING: ReadonlySet<PropertyKey> = new Set(["subarray", "keys", "constructor"]);

const INDEX = /^(?:0|-?[1-9]\d*)$/;

const ATOMICS = [
  "add",
  "and",
  "compareExchange",
  "exchange",
  "load",
  "notify",
  "or",
  "store",
  "sub",
  "wait",
  "waitAsync",
  "xor",
] as const;
const LOADING: ReadonlySet<string> = new Set(["load", "notify", "wait", "waitAsync"]);

/** The elements that a method of a typed array touches. */
function rangeOf(array: TypedArray, method: PropertyKey, args: readonly unknown[]): Range {
  const { length } = array;
  const place = (given: unknown, left: number): number => {
    if (given === undefined) return left;
    const at = Math.trunc(Number(given));
    return at < 0 ? Math.max(0, length + at) : Math.min(at, length);
  };
  if (method === "fill") return [place(args[1], 0), place(args[2], length)];
  if (method === "slice") return [place(args[0], 0), place(args[1], length)];
  if (method === "at") return [place(args[0], 0), place(args[0], 0) + 1];
  if (method !== "set") return [0, length];
  const from = Number(args[1] ?? 0);
  return [from, from + (args[0] as ArrayLike<number>).length];
}

export class CheckedViews extends Views {
  declare private readonly checker: AccessChecker;
  private readonly standIns = new WeakMap<object, object>();
  private readonly viewOf = new WeakMap<object, object>();
  declare readonly atomics: typeof Atomics;

  constructor(buffer: SharedArrayBuffer, checker: AccessChecker) {
    super(buffer);
    this.checker = checker;
    const checked = ATOMICS.map((name) => [name, this.atomic(name)] as const);
    this.atomics = { ...Object.fromEntries(checked), isLockFree: Atomics.isLockFree } as never;
  }

  override of<V>(of: ViewClass<V>, address: Address, bytes: number): V {
    const view = super.of(of, address, bytes);
    if (this.checker.concerns?.(address) === false) return view;
    return this.standIn(view as object) as V;
  }

  private atomic(name: (typeof ATOMICS)[number]): Method {
    return (given, index, ...rest) => {
      const view = this.plain(given) as Int32Array;
      if (view !== given) this.checkElements(view, Number(index), 1, !LOADING.has(name));
      return (Atomics as unknown as Record<string, Method>)[name]?.(view, index, ...rest);
    };
  }

  private plain(given: unknown): unknown {
    return typeof given === "object" && given !== null ? (this.viewOf.get(given) ?? given) : given;
  }

  private standIn<V extends object>(view: V): V {
    const known = this.standIns.get(view);
    if (known !== undefined) return known as V;
    const made = new Proxy<V>(view, this.handlerOf(view) as ProxyHandler<V>);
    this.standIns.set(view, made);
    this.viewOf.set(made, view);
    return made;
  }

  private handlerOf(view: object): ProxyHandler<object> {
    if (view instanceof DataView) return this.ofDataView();
    return ArrayBuffer.isView(view) ? this.ofArray() : this.ofStruct();
  }

  private checkElements(view: TypedArray, from: number, count: number, isWrite: boolean): void {
    const { BYTES_PER_ELEMENT: bytes, byteOffset } = view;
    if (count > 0) this.checker.check(byteOffset + from * bytes, count * bytes, isWrite);
  }

  private ofArray(): ProxyHandler<object> {
    return {
      get: (target, key) => {
        const array = target as TypedArray;
        if (typeof key === "string" && INDEX.test(key)) {
          this.checkElements(array, Number(key), 1, false);
        }
        const value = Reflect.get(array, key, array);
        return typeof value === "function" ? this.method(array, key, value as Method) : value;
      },
      set: (target, key, value) => {
        const array = target as TypedArray;
        if (typeof key === "string" && INDEX.test(key)) {
          this.checkElements(array, Number(key), 1, true);
        }
        return Reflect.set(array, key, value, array);
      },
    };
  }

  private method(array: TypedArray, name: PropertyKey, method: Method): Method {
    if (name === "constructor") return method;
    return (...given) => {
      const args = given.map((each) => this.plain(each));
      if (!TOUCHING_NOTHING.has(name)) {
        const [from, to] = rangeOf(array, name, args);
        this.checkElements(array, from, to - from, WRITING.has(name));
      }
      const result = method.apply(array, args);
      const isOfMemory = ArrayBuffer.isView(result) && result.buffer === array.buffer;
      return isOfMemory ? this.standIn(result) : result;
    };
  }

  private ofDataView(): ProxyHandler<object> {
    return {
      get: (target, key) => {
        const view = target as DataView;
        const value: unknown = Reflect.get(view, key, view);
        if (typeof value !== "function") return value;
        const [, access, bits] = /^([gs]et)\D+(\d+)$/.exec(String(key)) ?? [];
        return (...args: unknown[]) => {
          if (bits !== undefined) {
            const at = view.byteOffset + Number(args[0]);
            this.checker.check(at, Number(bits) / 8, access === "set");
          }
          return value.apply(view, args);
        };
      },
    };
  }

  /** A struct's accessors meet stand-ins of the views that it is made of. */
  private ofStruct(): ProxyHandler<object> {
    return {
      get: (target, key, receiver) => {
        const value: unknown = Reflect.get(target, key, receiver);
        return ArrayBuffer.isView(value) ? this.standIn(value) : value;
      },
    };
  }
}
