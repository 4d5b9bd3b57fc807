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
  is: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
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
    is: (value) => Array.isArray(value) && value.every((item) => kind.is(item)),
  };
}

/** A value as a message names it. */
export function named(value: unknown): string {
  if (typeof value === "string") return `"${quoted(value)}"`;
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
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
    const found = typeof value === "string" ? quoted(value) : named(value);
    throw new RangeError(`${call}: ${name} must be ${kind.what}, not ${found}`);
  }
  return Object.fromEntries(entries) as T;
}
