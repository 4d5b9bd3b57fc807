// SPDX-License-Identifier: MIT
/**
 * Options that a program gives are looked at before anything is done with them: a name that there is
 * not, or a value of another type, is most often a slip of the pen, and an option that is silently
 * left out does something else than was meant.
 */
import { quoted } from "./quoted.ts";

/** What an option may be, in words that follow "must be", and whether a value is that. */
export interface Kind {
  readonly what: string;
  readonly is: (value: unknown) => boolean;
}

export const NUMBER: Kind = { what: "a number", is: (value) => typeof value === "number" };
export const STRING: Kind = { what: "text", is: (value) => typeof value === "string" };
export const BOOLEAN: Kind = { what: "true or false", is: (value) => typeof value === "boolean" };

export const OBJECT: Kind = {
  what: "an object",
  is: (value) => typeof value === "object" && value !== null && shapeOf(value) === "an object",
};

export function whole(least: number, most: number): Kind {
  return {
    what: `a whole number from ${least} to ${most}`,
    is: (value) =>
      Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  };
}

export function within(least: number, most: number): Kind {
  return {
    what: `a number from ${least} to ${most}`,
    is: (value) => typeof value === "number" && value >= least && value <= most,
  };
}

export function oneOf(choices: readonly string[]): Kind {
  return {
    what: `one of ${choices.join(", ")}`,
    is: (value) => choices.some((choice) => choice === value),
  };
}

export function orNull(kind: Kind): Kind {
  return { what: `${kind.what}, or null`, is: (value) => value === null || kind.is(value) };
}

export function listOf(kind: Kind): Kind {
  return {
    what: `a list, each of it ${kind.what}`,
    is: (value) => isList(value) && value.every((item) => kind.is(item)),
  };
}

/** What an object is, without asking it: a revoked proxy throws at each question, this one included. */
function shapeOf(value: object): string {
  try {
    return Array.isArray(value) ? "a list" : "an object";
  } catch {
    return "a revoked proxy";
  }
}

export function isList(value: unknown): value is readonly unknown[] {
  return typeof value === "object" && value !== null && shapeOf(value) === "a list";
}

/** A function that can be called. */
export function isFunction(value: unknown): value is (...given: never[]) => unknown {
  return typeof value === "function" && shapeOf(value) === "an object";
}

/** A whole number of 32 bits, with sign: what an address may be. */
export function isInt32(value: unknown): value is number {
  return typeof value === "number" && value === (value | 0);
}

/** A value as a message names it. */
export function named(value: unknown): string {
  if (typeof value === "string") return `"${quoted(value)}"`;
  if (isFunction(value)) return "a function";
  if (typeof value === "function" || (typeof value === "object" && value !== null)) {
    return shapeOf(value);
  }
  return typeof value === "bigint" ? `${quoted(String(value))}n` : String(value);
}

/**
 * The options without those that are undefined, which are left out as well.
 * @throws RangeError for a name that is not among `kinds`, and for a value of another kind.
 */
export function checkedOptions<T extends object>(
  call: string,
  given: T,
  kinds: Readonly<Record<keyof T, Kind>>,
): T {
  if (!OBJECT.is(given)) {
    throw new RangeError(`${call}: the options must be an object, not ${named(given)}`);
  }
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [name, value] of entries) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name as keyof T] : undefined;
    if (kind === undefined) {
      const names = Object.keys(kinds).join(", ");
      throw new RangeError(`${call}: there is no option "${quoted(name)}"; there are ${names}`);
    }
    if (kind.is(value)) continue;
    throw new RangeError(`${call}: ${name} must be ${kind.what}, not ${named(value)}`);
  }
  return Object.fromEntries(entries) as T;
}
