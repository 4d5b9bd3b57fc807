// SPDX-License-Identifier: GPL-2.0-only
/**
 * The boot parameters of both allocators, in the kernel's spelling, with its defaults and ranges.
 * Read once before boot; the result is a plain constant that every thread may hold.
 */

import { quoted } from "../machine/quoted.ts";
import { MAX_ORDER } from "./alignment.ts";
import type { KernelVersion } from "./kernel-version.ts";

import { NO_SLUB_DEBUG, parseSlubDebug, type SlubDebug } from "./slub-debug.ts";

export interface BootParameters {
  readonly slubMinOrder: number;
  readonly slubMaxOrder: number;
  /** 0: chosen by the number of CPUs. */
  readonly slubMinObjects: number;
  readonly slubDebug: SlubDebug;
  readonly slabNoMerge: boolean;
  readonly slabMaxOrder: number;
  readonly useAlienCaches: boolean;
  readonly slabStrictNuma: boolean;
}

/** As an unadorned command line leaves them, on a machine with more than 32 MiB. */
export const DEFAULT_BOOT_PARAMETERS: BootParameters = {
  slubMinOrder: 0,
  slubMaxOrder: 3,
  slubMinObjects: 0,
  slubDebug: NO_SLUB_DEBUG,
  slabNoMerge: false,
  slabMaxOrder: 1,
  useAlienCaches: true,
  slabStrictNuma: false,
};

/** `true`, `null` and "" all stand for a parameter written without `=`. */
export type ParameterValue = string | number | boolean | null;

export class BootParameterError extends Error {
  override name = "BootParameterError";
}

type Setting = (
  kernel: KernelVersion,
  value: ParameterValue,
  name: string,
) => Partial<BootParameters>;

const noMerge: Setting = (_, value) => ({ slabNoMerge: given(value) });

const SETTINGS: Readonly<Record<string, Setting>> = {
  slub_min_order: (_, value, name) => ({ slubMinOrder: natural(name, value) }),
  // mm/slub.c clips the maximum to the page allocator's, the minimum not at all.
  slub_max_order: (_, value, name) => ({
    slubMaxOrder: Math.min(natural(name, value), MAX_ORDER - 1),
  }),
  slub_min_objects: (_, value, name) => ({ slubMinObjects: natural(name, value) }),
  slub_nomerge: noMerge,
  slab_nomerge: noMerge,
  slub_debug: (kernel, value, name) => ({
    slubDebug: value === false ? NO_SLUB_DEBUG : parseSlubDebug(kernel, text(name, value)),
  }),
  slab_max_order: (_, value, name) => ({
    slabMaxOrder: Math.min(Math.max(integer(name, value), 0), MAX_ORDER - 1),
  }),
  slab_strict_numa: (_, value) => ({ slabStrictNuma: given(value) }),
  noaliencache: (_, value) => ({ useAlienCaches: !given(value) }),
};

/** Every boot parameter that is understood. */
export const BOOT_PARAMETER_NAMES: readonly string[] = Object.keys(SETTINGS);

/**
 * Reads boot parameters, later ones overriding earlier ones of the same name. The grammar of
 * `slub_debug=` depends on the kernel.
 * @throws BootParameterError for a name no allocator has, or a value the kernel cannot use.
 */
export function parseBootParameters(
  kernel: KernelVersion,
  written: Readonly<Record<string, ParameterValue>>,
): BootParameters {
  let parameters = DEFAULT_BOOT_PARAMETERS;
  for (const name in written) {
    const setting = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
    if (setting === undefined) {
      throw new BootParameterError(
        `unknown boot parameter "${quoted(name)}"; there are ${BOOT_PARAMETER_NAMES.join(", ")}`,
      );
    }
    parameters = { ...parameters, ...setting(kernel, written[name] ?? null, name) };
  }
  return parameters;
}

/** The kernel ignores what stands behind such a parameter, even `=0`. */
function given(value: ParameterValue): boolean {
  return value !== false;
}

function text(name: string, value: ParameterValue): string {
  if (typeof value === "string") return value;
  if (value === null || value === true) return "";
  throw new BootParameterError(`${name} takes letters and cache names, not ${value}`);
}

function natural(name: string, value: ParameterValue): number {
  const number = integer(name, value);
  if (number >= 0) return number;
  throw new BootParameterError(`${name}=${number}: must not be negative`);
}

/** An integer as the kernel's get_option reads it: decimal, 0x for hexadecimal, 0 for octal. */
function integer(name: string, value: ParameterValue): number {
  const number = typeof value === "string" ? fromText(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && Math.abs(number) <= 0x7fffffff) {
    return number;
  }
  throw new BootParameterError(`${name} needs an integer, not ${quoted(JSON.stringify(value))}`);
}

function fromText(value: string): number {
  const match = /^(-?)(?:0x([0-9a-f]+)|0([0-7]+)|(0|[1-9]\d*))$/i.exec(value);
  if (match === null) return Number.NaN;
  const [, sign, hexadecimal, octal, decimal] = match;
  let magnitude = Number(decimal);
  if (hexadecimal !== undefined) magnitude = Number.parseInt(hexadecimal, 16);
  else if (octal !== undefined) magnitude = Number.parseInt(octal, 8);
  return sign === "-" ? -magnitude : magnitude;
}
