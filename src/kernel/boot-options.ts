// SPDX-License-Identifier: GPL-2.0-only
/** What a boot may be asked for. */
import type { ParameterValue } from "../caches/boot-parameters.ts";
import type { FaultSettings } from "../caches/fault-injection.ts";
import {
  ALLOCATORS,
  type AllocatorName,
  type BuildOption,
  buildOptionOf,
  whyNoBuildOption,
} from "../caches/flags.ts";
import {
  DEFAULT_KERNEL,
  ERAS,
  type Era,
  KERNEL_VERSIONS,
  type KernelVersion,
} from "../caches/kernel-version.ts";
import { MAX_TASKS } from "../machine/cpus.ts";
import { MIB } from "../machine/units.ts";

/** How page->freelist and counters are swapped as one. */
export type SwapKind = "wasm" | "atomics" | "slab_lock";

export interface BootOptions {
  /** Simulated CPUs: how many threads allocate at once. 1 to 64. */
  readonly cpus?: number;
  /** Memory nodes, each with its share of CPUs and pages. */
  readonly nodes?: number;
  /** Bytes of memory, at most 2 GiB. */
  readonly memory?: number;
  /** Threads that may attach; more than CPUs if they shall take turns. */
  readonly tasks?: number;
  readonly allocator?: AllocatorName;
  readonly kernel?: KernelVersion;
  /** The kernel's boot parameters by name, as on its command line: `{ slub_debug: "FZPU" }`. */
  readonly parameters?: Readonly<Record<string, ParameterValue>>;
  readonly swap?: SwapKind;
  /** `seed`: without the fix for CVE-2022-49700. */
  readonly era?: Era;
  /** Encode free pointers, so that overwritten ones are noticed. */
  readonly hardened?: boolean;
  /** Hand a slab's objects out in random order. */
  readonly randomized?: boolean;
  /** Zero objects and whole pages when they are handed out, or when they come back. */
  readonly initOnAlloc?: boolean;
  readonly initOnFree?: boolean;
  /** Tasks may have memory policies, and be confined to nodes: `kernel.policies`. */
  readonly policies?: boolean;
  /** Let allocations of objects, or requests for pages, fail on purpose once the machine is up. */
  readonly failSlab?: Partial<FaultSettings> | null;
  readonly failPages?: Partial<FaultSettings> | null;
  /** Build options that have no option of their own, as in a .config without CONFIG_: DEBUG_SLAB, … */
  readonly config?: readonly BuildOption[];
  readonly seed?: number;
  /** Nodes whose memory is not there at boot: `nodeOnline` brings it, `nodeOffline` takes it away. */
  readonly absentNodes?: readonly number[];
  /** Bytes beyond `memory` for a checker. */
  readonly checker?: number;
}

const DEFAULTS: Required<BootOptions> = {
  cpus: 4,
  nodes: 1,
  memory: 64 * MIB,
  tasks: MAX_TASKS,
  allocator: "slub",
  kernel: DEFAULT_KERNEL,
  parameters: {},
  swap: "wasm",
  era: "fixed",
  hardened: false,
  randomized: false,
  initOnAlloc: false,
  initOnFree: false,
  policies: false,
  failSlab: null,
  failPages: null,
  config: [],
  seed: 1,
  absentNodes: [],
  checker: 0,
};

/** All options, with what was left out. @throws RangeError for one that no machine could meet. */
export function bootOptionsOf(given: BootOptions): Required<BootOptions> {
  const all = { ...DEFAULTS, ...given };
  checkBootOptions(all);
  return all;
}

/** What createMachine does not look at. */
function checkBootOptions(options: Required<BootOptions>): void {
  const choices = {
    allocator: ALLOCATORS,
    kernel: KERNEL_VERSIONS,
    swap: ["wasm", "atomics", "slab_lock"],
    era: ERAS,
  } as const;
  for (const name of Object.keys(choices) as (keyof typeof choices)[]) {
    const allowed: readonly string[] = choices[name];
    if (allowed.includes(options[name])) continue;
    throw new RangeError(`${name} must be one of ${allowed.join(", ")}, not ${options[name]}`);
  }
  const unknown = options.config.find((name) => buildOptionOf(name) === undefined);
  if (unknown !== undefined) throw new RangeError(`config: ${whyNoBuildOption(unknown)}`);
  const absent = new Set(options.absentNodes);
  for (const nid of absent) {
    if (Number.isInteger(nid) && nid >= 0 && nid < options.nodes) continue;
    throw new RangeError(`absentNodes: there is no node ${nid}`);
  }
  if (absent.size === options.nodes) {
    throw new RangeError("absentNodes: one node's memory must be there");
  }
}
