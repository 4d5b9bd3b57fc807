// SPDX-License-Identifier: GPL-2.0-only
/**
 * The question that `geometry` answers, and its check: a request comes as JSON from anywhere, and each
 * mistake in it is answered by one sentence.
 */
import type { ParameterValue } from "../caches/boot-parameters.ts";
import {
  ALLOCATORS,
  type AllocatorName,
  type BuildOption,
  buildOptionOf,
  whyNoBuildOption,
} from "../caches/flags.ts";
import {
  DEFAULT_KERNEL,
  KERNEL_VERSIONS,
  type KernelVersion,
  since,
} from "../caches/kernel-version.ts";
import { quoted } from "../machine/quoted.ts";

const MAX_CPUS = 8192;
const MAX_NODES = 1024;

/** The members of struct kmem_cache_args (6.12) that have no field of their own. */
export interface CacheArgs {
  /** Objects a sheaf shall hold at least. */
  readonly sheaf_capacity?: number | undefined;
  /** Given, it is used. */
  readonly freeptr_offset?: number | undefined;
  readonly useroffset?: number | undefined;
  readonly usersize?: number | undefined;
}

/** A request of which everything is known. */
export interface CheckedRequest {
  readonly allocator: AllocatorName;
  readonly kernel: KernelVersion;
  /** Only `slub_debug=` with a list of names looks at it. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes. */
  readonly align: number;
  /** A number, or comma-separated names. */
  readonly flags: number | string;
  readonly ctor: boolean;
  readonly args: CacheArgs;
  /** CPUs present. */
  readonly cpus: number;
  /** CPUs that could be added. */
  readonly possibleCpus: number;
  readonly nodes: number;
  /** Boot parameters, such as `{"slub_debug": "FZPU", "slub_max_order": 0}`. */
  readonly params: Readonly<Record<string, ParameterValue>>;
  readonly config: readonly BuildOption[];
}

type Loose = Omit<CheckedRequest, "size" | "ctor" | "config"> & {
  readonly ctor: boolean | 0 | 1;
  /** Build options, such as `["DEBUG_SLAB"]`, with or without CONFIG_. */
  readonly config: readonly string[];
};

/** One question, as JSON writes it; everything but `size` has a default. */
export type GeometryRequest = { readonly size: number } & {
  readonly [Name in keyof Loose]?: Loose[Name] | null | undefined;
};

/** The question itself is wrong; the message is one sentence. */
export class BadRequest extends Error {}

/** Turns a value that is not null into what the field holds. @throws BadRequest */
type Check<T> = (value: unknown, field: string) => T;

const FIELDS: { readonly [Name in keyof CheckedRequest]: Check<CheckedRequest[Name]> } = {
  allocator: oneOf(ALLOCATORS),
  kernel: oneOf(KERNEL_VERSIONS),
  name: text,
  size: whole(1, 2 ** 31 - 1),
  align: whole(0, 2 ** 30),
  flags: numberOrNames,
  ctor: yesOrNo,
  args: cacheArgs,
  cpus: whole(1, MAX_CPUS),
  possibleCpus: whole(1, MAX_CPUS),
  nodes: whole(1, MAX_NODES),
  params: parameters,
  config: buildOptions,
};

/** @throws BadRequest */
export function checkRequest(request: unknown): CheckedRequest {
  if (!isObject(request)) {
    const found = typeof request === "object" ? kindOf(request) : quoted(String(request));
    throw new BadRequest(`a request is a JSON object with at least a size, not ${found}`);
  }
  const unknown = Object.keys(request).find((field) => !Object.hasOwn(FIELDS, field));
  if (unknown !== undefined) {
    throw new BadRequest(
      `unknown field "${quoted(unknown)}"; there are ${Object.keys(FIELDS).join(", ")}`,
    );
  }
  if (request.size === undefined) throw new BadRequest("size is missing");
  const size = FIELDS.size(request.size, "size");
  const given = <Name extends keyof Loose>(name: Name, otherwise: CheckedRequest[Name]) =>
    request[name] == null ? otherwise : FIELDS[name](request[name], name);
  const cpus = given("cpus", 1);
  const checked: CheckedRequest = {
    size,
    cpus,
    allocator: given("allocator", "slub"),
    kernel: given("kernel", DEFAULT_KERNEL),
    name: given("name", ""),
    align: given("align", 0),
    flags: given("flags", 0),
    ctor: given("ctor", false),
    args: given("args", {}),
    possibleCpus: given("possibleCpus", cpus),
    nodes: given("nodes", 1),
    params: given("params", {}),
    config: given("config", []),
  };
  if (request.args != null && !since(checked.kernel, "6.12")) {
    refuse("args", `are members of struct kmem_cache_args, which ${checked.kernel} has not`);
  }
  if (checked.possibleCpus < cpus) refuse("possibleCpus", `must be at least cpus (${cpus})`);
  return checked;
}

function refuse(field: string, why: string): never {
  throw new BadRequest(`${quoted(field)} ${why}`);
}

type Table = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kindOf(value: object | null): string {
  return Array.isArray(value) ? "a list" : "null";
}

function whole(least: number, most: number): Check<number> {
  return (value, field) => {
    if (typeof value !== "number" || Number.isNaN(value)) refuse(field, "must be a number");
    if (!Number.isInteger(value)) refuse(field, `must be a whole number, not ${value}`);
    if (value < least) refuse(field, `must be at least ${least}, not ${value}`);
    if (value > most) refuse(field, `must be at most ${most}, not ${value}`);
    return value;
  };
}

function oneOf<T extends string>(choices: readonly T[]): Check<T> {
  const all = choices.map((choice) => `"${choice}"`).join(" or ");
  return (value, field) =>
    choices.find((choice) => choice === value) ?? refuse(field, `must be ${all}`);
}

function text(value: unknown, field: string): string {
  return typeof value === "string" ? value : refuse(field, "must be text");
}

function numberOrNames(value: unknown, field: string): number | string {
  if (typeof value === "number" || typeof value === "string") return value;
  return refuse(field, "must be a number or flag names separated by commas");
}

function yesOrNo(value: unknown, field: string): boolean {
  if (typeof value === "boolean" || value === 0 || value === 1) return Boolean(value);
  return refuse(field, "must be true, false, 0 or 1");
}

function parameters(value: unknown, field: string): CheckedRequest["params"] {
  if (!isObject(value)) return refuse(field, "must be an object of boot parameters");
  const checked = Object.entries(value).map(([name, setting]) => {
    const fits = setting === null || ["string", "number", "boolean"].includes(typeof setting);
    if (!fits) refuse(`${field}.${name}`, "must be text or a number");
    return [name, setting as ParameterValue] as const;
  });
  return Object.fromEntries(checked);
}

function buildOptions(value: unknown, field: string): readonly BuildOption[] {
  if (!Array.isArray(value)) return refuse(field, "must be a list of build options");
  return value.map((option: unknown, i) => {
    const known = buildOptionOf(String(option));
    if (known !== undefined) return known;
    throw new BadRequest(`${field}.${i}: ${whyNoBuildOption(String(option))}`);
  });
}

const ARGS: Readonly<Record<keyof CacheArgs, Check<number>>> = {
  sheaf_capacity: whole(0, 2 ** 24),
  freeptr_offset: whole(0, 2 ** 31 - 1),
  useroffset: whole(0, 2 ** 31 - 1),
  usersize: whole(0, 2 ** 31 - 1),
};

function cacheArgs(value: unknown, field: string): CacheArgs {
  if (!isObject(value)) return refuse(field, "must be an object");
  const checked = Object.entries(value).map(([name, given]) => {
    const check = Object.hasOwn(ARGS, name) ? ARGS[name as keyof CacheArgs] : undefined;
    const all = Object.keys(ARGS).join(", ");
    return [
      name,
      (check ?? refuse(`${field}.${name}`, `is unknown; there are ${all}`))(
        given,
        `${field}.${name}`,
      ),
    ];
  });
  return Object.fromEntries(checked);
}
