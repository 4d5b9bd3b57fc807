// SPDX-License-Identifier: GPL-2.0-only
/**
 * The script language: one command a line, which drives one cache. A script is checked as a whole
 * before anything runs.
 *
 *     C name size align flags(hex) ctor   create             D            destroy
 *     A n   AN n node                     allocate           F i          free one
 *     FF a b   FL a b   FS a b step       free a range, ascending, descending, every step-th
 *     FR a b seed                         free a range in the order of a linear congruence
 *     B n   BF a b                        bulk               P cpu        go on as that CPU
 *     S label   Q1   Q0                   show all; events without state, with state
 *     K   R ratio                         shrink; set the remote node defragmentation ratio
 *
 * Objects are numbered from 0 in the order of their allocation.
 */

import { quoted } from "../../machine/quoted.ts";

/** A line that is no command; the message names the line. */
export class ScriptError extends Error {
  override name = "ScriptError";
}

export type Command =
  | {
      readonly kind: "create";
      readonly name: string;
      readonly size: number;
      readonly align: number;
      readonly flags: number;
      readonly ctor: boolean;
    }
  | { readonly kind: "allocate"; readonly count: number; readonly node: number }
  | { readonly kind: "allocateBulk"; readonly count: number }
  | { readonly kind: "free"; readonly ids: readonly number[] }
  | { readonly kind: "freeBulk"; readonly ids: readonly number[] }
  | { readonly kind: "cpu"; readonly cpu: number }
  | { readonly kind: "ratio"; readonly ratio: number }
  | { readonly kind: "show" }
  | { readonly kind: "quiet"; readonly quiet: boolean }
  | { readonly kind: "shrink" }
  | { readonly kind: "destroy" };

export interface ScriptLine {
  /** As written, blanks trimmed. */
  readonly text: string;
  readonly command: Command;
}

/** More objects in one line than any machine here holds are a slip of the pen. */
const MAX_COUNT = 1 << 22;

/** Reads a script; empty lines and those that begin with # say nothing. @throws ScriptError */
export function parseScript(text: string): ScriptLine[] {
  return text.split("\n").flatMap((line, i) => {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) return [];
    return [{ text: trimmed, command: parseCommand(trimmed, i + 1) }];
  });
}

function parseCommand(text: string, line: number): Command {
  const [name = "", ...words] = text.split(/\s+/);
  const parse = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const fail = (why: string): never => {
    throw new ScriptError(`line ${line}: ${quoted(text)}: ${why}`);
  };
  if (parse === undefined) {
    return fail(`no such command; there are ${Object.keys(COMMANDS).join(", ")}`);
  }
  let next = 0;
  const word = (): string => words[next++] ?? fail("something is missing");
  const number = (most = MAX_COUNT): number => {
    const written = word();
    const value = /^\d+$/.test(written) ? Number(written) : Number.NaN;
    return value <= most ? value : fail(`${quoted(written)} is no number from 0 to ${most}`);
  };
  const flags = (): number => {
    const written = word();
    return /^(0x)?[0-9a-f]{1,8}$/i.test(written)
      ? Number.parseInt(written, 16) | 0
      : fail(`${quoted(written)} are no flags in hexadecimal`);
  };
  const command = parse({ word, number, flags });
  if (next < words.length && command.kind !== "show")
    fail(`"${quoted(words[next] ?? "")}" is too much`);
  return command;
}

interface Words {
  word(): string;
  number(most?: number): number;
  flags(): number;
}

const COMMANDS: Readonly<Record<string, (words: Words) => Command>> = {
  C: (words) => ({
    kind: "create",
    name: words.word(),
    size: words.number(0x7fffffff),
    align: words.number(0x7fffffff),
    flags: words.flags(),
    ctor: words.number(1) === 1,
  }),
  A: (words) => ({ kind: "allocate", count: words.number(), node: -1 }),
  AN: (words) => ({ kind: "allocate", count: words.number(), node: words.number() }),
  B: (words) => ({ kind: "allocateBulk", count: words.number() }),
  F: (words) => ({ kind: "free", ids: [words.number()] }),
  FF: (words) => ({ kind: "free", ids: range(words.number(), words.number()) }),
  FL: (words) => ({ kind: "free", ids: range(words.number(), words.number()).reverse() }),
  FS: (words) => ({ kind: "free", ids: range(words.number(), words.number(), words.number()) }),
  FR: (words) => ({
    kind: "free",
    ids: shuffled(range(words.number(), words.number()), words.number(0xffffffff)),
  }),
  BF: (words) => ({ kind: "freeBulk", ids: range(words.number(), words.number()) }),
  P: (words) => ({ kind: "cpu", cpu: words.number() }),
  R: (words) => ({ kind: "ratio", ratio: words.number() }),
  S: () => ({ kind: "show" }),
  Q1: () => ({ kind: "quiet", quiet: true }),
  Q0: () => ({ kind: "quiet", quiet: false }),
  K: () => ({ kind: "shrink" }),
  D: () => ({ kind: "destroy" }),
};

function range(from: number, to: number, step = 1): number[] {
  const stride = Math.max(step, 1);
  const length = Math.max(Math.floor((to - from) / stride) + 1, 0);
  return Array.from({ length }, (_, i) => from + i * stride);
}

/** Fisher-Yates by the generator of Numerical Recipes, as the recorded runs were shuffled. */
function shuffled(ids: number[], seed: number): number[] {
  let state = seed | 0;
  for (let i = ids.length - 1; i >= 1; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const j = (state >>> 8) % (i + 1);
    [ids[i], ids[j]] = [ids[j] as number, ids[i] as number];
  }
  return ids;
}
