// SPDX-License-Identifier: MIT
/**
 * Typed arrays over explored buffers. Each is a proxy of a real array over the same buffer, which
 * answers what does not look at elements: length, offsets, buffer, prototype.
 */
import type { Address } from "../../machine/memory.ts";
import type { ExploredMemory } from "../explored-memory.ts";
import type { Buffers } from "./buffers.ts";
import type { ElementType, TypedArray } from "./element-types.ts";
import { readElement, writeElement } from "./elements.ts";

/** What Atomics and constructors must know of an array. */
export interface View {
  readonly type: ElementType;
  /** Address of its first element. */
  readonly at: Address;
  /** The real array. */
  readonly real: TypedArray;
}

/** Methods of Array that do to any list of elements what those of a typed array do to theirs. */
const GENERIC = new Set<PropertyKey>([
  "at",
  "copyWithin",
  "entries",
  "every",
  "fill",
  "find",
  "findIndex",
  "findLast",
  "findLastIndex",
  "forEach",
  "includes",
  "indexOf",
  "join",
  "keys",
  "lastIndexOf",
  "reduce",
  "reduceRight",
  "reverse",
  "some",
  "sort",
  "toLocaleString",
  "toString",
  "values",
  Symbol.iterator,
]);

/** A property that can only be an element: undefined unless it is a canonical number. */
function indexOf(key: PropertyKey): number | undefined {
  if (typeof key !== "string") return undefined;
  const index = Number(key);
  return String(index) === key || key === "-0" ? index : undefined;
}

export class Views {
  private readonly memory: ExploredMemory;
  private readonly buffers: Buffers;
  private readonly views = new WeakMap<object, View>();

  constructor(memory: ExploredMemory, buffers: Buffers) {
    this.memory = memory;
    this.buffers = buffers;
  }

  /** What is known of `array`; undefined: it is not under exploration. */
  of(array: unknown): View | undefined {
    return typeof array === "object" && array !== null ? this.views.get(array) : undefined;
  }

  /**
   * An array over an explored buffer; undefined: `buffer` is none.
   * @throws RangeError as the array's own constructor does.
   */
  over(
    type: ElementType,
    buffer: unknown,
    byteOffset?: number,
    length?: number,
  ): TypedArray | undefined {
    const base = this.buffers.baseOf(buffer);
    if (base === undefined) return undefined;
    const real = new type.array(buffer as SharedArrayBuffer, byteOffset, length);
    const view = { type, real, at: base + real.byteOffset };
    this.buffers.typed(view.at, real.byteLength, type);
    const array = new Proxy(real, this.handler(view));
    this.views.set(array, view);
    return array;
  }

  /** The elements, read one by one, as a real array of private memory. */
  copyOf(view: View): TypedArray {
    const { type, real } = view;
    const copy = new (type.array as unknown as new (length: number) => TypedArray)(real.length);
    for (let i = 0; i < real.length; i++) copy[i] = this.read(view, i) as never;
    return copy;
  }

  private read({ type, at, real }: View, index: number): number | bigint | undefined {
    if (!isElement(real, index)) return undefined;
    return readElement(this.memory, type, at + index * type.bytes);
  }

  private write({ type, at, real }: View, index: number, value: unknown): void {
    // A value of a wrong kind (a number for a bigint) is refused also where there is no element.
    if (!isElement(real, index)) type.toWords(value);
    else writeElement(this.memory, type, at + index * type.bytes, value);
  }

  private handler(view: View): ProxyHandler<TypedArray> {
    const { real } = view;
    const methods = new Map<PropertyKey, unknown>();
    return {
      get: (_, key) => {
        const index = indexOf(key);
        if (index !== undefined) return this.read(view, index);
        // Code compares it with the constructor that it sees.
        if (key === "constructor") return Reflect.get(globalThis, view.type.name);
        const value = Reflect.get(real, key, real);
        if (typeof value !== "function") return value;
        const method = methods.get(key) ?? this.method(view, key);
        methods.set(key, method);
        return method;
      },
      set: (_, key, value) => {
        const index = indexOf(key);
        if (index === undefined) return Reflect.set(real, key, value, real);
        this.write(view, index, value);
        return true;
      },
      getOwnPropertyDescriptor: (_, key) => {
        const descriptor = Reflect.getOwnPropertyDescriptor(real, key);
        const index = indexOf(key);
        if (descriptor === undefined || index === undefined) return descriptor;
        return { ...descriptor, value: this.read(view, index) };
      },
      defineProperty: (_, key, descriptor) => {
        const index = indexOf(key);
        if (index === undefined) return Reflect.defineProperty(real, key, descriptor);
        if (!isElement(real, index)) return false;
        this.write(view, index, descriptor.value);
        return true;
      },
    };
  }

  /** A method that reaches the elements through the explored memory. */
  private method(view: View, key: PropertyKey): unknown {
    if (key === "subarray") return this.subarray(view);
    if (key === "set") return this.setter(view);
    if (key === "fill") return this.filler(view);
    if (GENERIC.has(key)) return Reflect.get(Array.prototype, key);
    // All others make a new array of the elements that they find.
    return (...given: unknown[]) => {
      const copy = this.copyOf(view);
      return (Reflect.get(copy, key) as (...all: unknown[]) => unknown).apply(copy, given);
    };
  }

  private subarray({ type, real }: View) {
    return (begin?: number, end?: number): TypedArray => {
      const { buffer, byteOffset, length } = real.subarray(begin, end);
      return this.over(type, buffer, byteOffset, length) as TypedArray;
    };
  }

  private setter(view: View) {
    return (source: ArrayLike<unknown>, offset = 0): void => {
      const from = this.of(source);
      const values = Array.from(
        from === undefined ? source : (this.copyOf(from) as ArrayLike<unknown>),
      );
      if (!(offset >= 0) || values.length + offset > view.real.length) {
        throw new RangeError("offset is out of bounds");
      }
      values.forEach((value, i) => {
        this.write(view, Math.trunc(offset) + i, value);
      });
    };
  }

  private filler(view: View) {
    const views = this;
    return function fill(this: unknown, value: unknown, ...range: number[]): unknown {
      // Converted once, so that what is no element is refused before anything is written.
      const [low, high] = view.type.toWords(value);
      const element = view.type.fromWords(low, high);
      const { real } = view;
      const [start = 0, end = real.length] = range;
      const whole = Array.from({ length: real.length }, (_, i) => i);
      for (const i of whole.slice(start, end)) views.write(view, i, element);
      return this;
    };
  }
}

function isElement(real: TypedArray, index: number): boolean {
  return Number.isInteger(index) && index >= 0 && index < real.length && !Object.is(index, -0);
}
