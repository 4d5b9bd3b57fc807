// SPDX-License-Identifier: GPL-2.0-only
/**
 * What has happened since boot that makes later reports less trustworthy (kernel/panic.c): each
 * report names the taints that were there before it, and adds its own.
 */
import type { Machine } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import { struct, word } from "../machine/struct.ts";
import { type KernelVersion, since } from "./kernel-version.ts";

/** Numbers of the taints that slab allocators add: a corrupted page, a warning. */
export const TAINT_BAD_PAGE = 5;
export const TAINT_WARN = 9;

/** The letter of each taint by its number. The first is G, a kernel without proprietary modules. */
const LETTERS = "GFSRMBUDAWCIOELKXTNJ";

const NAMES: Readonly<Record<number, string>> = {
  [TAINT_BAD_PAGE]: "BAD_PAGE",
  [TAINT_WARN]: "WARN",
};

const TaintedMask = struct("tainted_mask", { mask: word, debugLocksOff: word });

export class Taint {
  declare private readonly machine: Machine;
  declare private readonly at: Address;
  /** How many taints the kernel knows. */
  declare private readonly count: number;

  constructor(machine: Machine, kernel: KernelVersion) {
    this.machine = machine;
    this.at = machine.statics.allocate(TaintedMask, "tainted_mask");
    if (since(kernel, "6.16")) this.count = 20;
    else this.count = since(kernel, "6.0") ? 19 : 16;
  }

  /** print_tainted */
  get text(): string {
    const mask = this.mask;
    if (mask === 0) return "Not tainted";
    const letters = [...LETTERS.slice(0, this.count)];
    const shown = letters.map((letter, i) => (i === 0 || (mask & (1 << i)) !== 0 ? letter : " "));
    return `Tainted: ${shown.join("")}`;
  }

  /** print_tainted_verbose; empty where nothing has happened. */
  get names(): string {
    const { mask } = this;
    const named = Object.entries(NAMES).filter(([i]) => (mask & (1 << Number(i))) !== 0);
    const list = named.map(([i, name]) => `[${LETTERS[Number(i)]}]=${name}`).join(", ");
    return list === "" ? "" : `Tainted: ${list}`;
  }

  private get mask(): number {
    return this.machine.memory.readOnce(this.at + TaintedMask.mask);
  }

  /**
   * add_taint. The first taint after which lock debugging cannot be relied on turns it off, and the
   * kernel says so; not one where lockdep may go on (LOCKDEP_STILL_OK).
   */
  add(taint: number, { keepsLockdep = false } = {}): void {
    const { memory, console } = this.machine;
    const at = this.at + TaintedMask.mask;
    for (;;) {
      const mask = memory.readOnce(at);
      const tainted = mask | (1 << taint);
      if (tainted === mask || memory.cmpxchg(at, mask, tainted) === mask) break;
    }
    if (keepsLockdep) return;
    // Atomic: the one that turns it off is the one that says so.
    if (memory.xchg(this.at + TaintedMask.debugLocksOff, 1) === 0) {
      console.printk("Disabling lock debugging due to kernel taint");
    }
  }
}
