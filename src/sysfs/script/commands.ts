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
 * With sheaves (7.1) also:
 *
 *     CX name size align flags ctor key=value…           create with struct kmem_cache_args
 *     AT n node   NA n   NF a b   IW                      that node only; nolock; what was deferred
 *     PS k n   SA k n   SR k n   ST k                     prefill, allocate from, refill, return sheaf k
 *     KR a b   GP   GB                                    kfree_rcu; rcu_barrier; kvfree_rcu_barrier
 *     FA   O cpu 0|1   MP n                               flush; a CPU goes or comes; min_partial
 *     L1 L0   LB1 LB0   LN1 LN0                           the lock of sheaf, barn, list is held
 *
 * Objects are numbered from 0 in the order of their allocation.
 */

import type { SheafArgs } from "../../caches/allocator.ts";
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
      readonly args?: SheafArgs & { readonly useroffset?: number; readonly usersize?: number };
    }
  | { readonly kind: "allocate"; readonly count: number; readonly node: number }
  | { readonly kind: "allocateThisNode"; readonly count: number; readonly node: number }
  | { readonly kind: "allocateNolock"; readonly count: number }
  | { readonly kind: "freeRcu" | "freeNolock"; readonly ids: readonly number[] }
  | { readonly kind: "prefill"; readonly slot: number; readonly count: number }
  | { readonly kind: "allocateFrom"; readonly slot: number; readonly count: number }
  | { readonly kind: "refill"; readonly slot: number; readonly count: number }
  | { readonly kind: "returnSheaf"; readonly slot: number }
  | { readonly kind: "gracePeriod" | "kvfreeBarrier" | "flush" | "deferred" }
  | { readonly kind: "hold"; readonly lock: "sheaf" | "barn" | "list" | undefined }
  | { readonly kind: "hotplug"; readonly cpu: number; readonly online: boolean }
  | { readonly kind: "minPartial"; readonly least: number }
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

const UINT_MAX = 2 ** 32 - 1;

function isKeyOf<Name extends string>(
  known: Readonly<Record<Name, number>>,
  name: string,
): name is Name {
  return Object.hasOwn(known, name);
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
  const known = Object.hasOwn(SHEAF_COMMANDS, name) ? SHEAF_COMMANDS : COMMANDS;
  const parse = Object.hasOwn(known, name) ? known[name] : undefined;
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
  const fields = <Name extends string>(most: Readonly<Record<Name, number>>) => {
    const given: Partial<Record<Name, number>> = {};
    for (; next < words.length; next++) {
      const written = words[next] ?? "";
      const [, name = "", digits = ""] = /^(\w+)=(\d+)$/.exec(written) ?? [];
      if (!isKeyOf(most, name)) {
        const known = Object.keys(most).map((known) => `${known}=N`);
        return fail(`${quoted(written)} is not one of ${known.join(", ")}`);
      }
      if (Number(digits) > most[name]) fail(`${name} is no number from 0 to ${most[name]}`);
      given[name] = Number(digits);
    }
    return given;
  };
  const command = parse({ word, number, flags, fields });
  if (next < words.length && command.kind !== "show")
    fail(`"${quoted(words[next] ?? "")}" is too much`);
  return command;
}

interface Words {
  word(): string;
  number(most?: number): number;
  flags(): number;
  /** All that is left: `name=number`, in any order. */
  fields<Name extends string>(
    most: Readonly<Record<Name, number>>,
  ): Readonly<Partial<Record<Name, number>>>;
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

/** Of kernels with sheaves. */
const SHEAF_COMMANDS: Readonly<Record<string, (words: Words) => Command>> = {
  CX: (words) => ({
    kind: "create",
    name: words.word(),
    size: words.number(0x7fffffff),
    align: words.number(0x7fffffff),
    flags: words.flags(),
    ctor: words.number(1) === 1,
    args: argsOf(words),
  }),
  AT: (words) => ({ kind: "allocateThisNode", count: words.number(), node: words.number() }),
  NA: (words) => ({ kind: "allocateNolock", count: words.number() }),
  NF: (words) => ({ kind: "freeNolock", ids: range(words.number(), words.number()) }),
  KR: (words) => ({ kind: "freeRcu", ids: range(words.number(), words.number()) }),
  PS: (words) => ({ kind: "prefill", slot: words.number(), count: words.number() }),
  SA: (words) => ({ kind: "allocateFrom", slot: words.number(), count: words.number() }),
  SR: (words) => ({ kind: "refill", slot: words.number(), count: words.number() }),
  ST: (words) => ({ kind: "returnSheaf", slot: words.number() }),
  GP: () => ({ kind: "gracePeriod" }),
  GB: () => ({ kind: "kvfreeBarrier" }),
  FA: () => ({ kind: "flush" }),
  IW: () => ({ kind: "deferred" }),
  O: (words) => ({ kind: "hotplug", cpu: words.number(), online: words.number(1) === 1 }),
  MP: (words) => ({ kind: "minPartial", least: words.number() }),
  L1: () => ({ kind: "hold", lock: "sheaf" }),
  LB1: () => ({ kind: "hold", lock: "barn" }),
  LN1: () => ({ kind: "hold", lock: "list" }),
  L0: () => ({ kind: "hold", lock: undefined }),
  LB0: () => ({ kind: "hold", lock: undefined }),
  LN0: () => ({ kind: "hold", lock: undefined }),
};

/** `sheaf_capacity=32 freeptr_offset=8` */
function argsOf(words: Words): NonNullable<(Command & { kind: "create" })["args"]> {
  const given = words.fields({
    sheaf_capacity: 2 ** 24,
    freeptr_offset: UINT_MAX,
    useroffset: UINT_MAX,
    usersize: UINT_MAX,
  });
  const { useroffset = 0, usersize = 0 } = given;
  const { sheaf_capacity: sheafCapacity = 0, freeptr_offset: freeptrOffset } = given;
  return { sheafCapacity, freeptrOffset, useroffset, usersize };
}

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
