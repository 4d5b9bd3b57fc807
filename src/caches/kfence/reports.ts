// SPDX-License-Identifier: GPL-2.0-only
/** What KFENCE says (mm/kfence/report.c), line by line as 6.1, 6.19 and 7.1 print it. */
import { type FailureClass, KernelBug } from "../../machine/kernel-bug.ts";
import { PAGE_SIZE } from "../../machine/machine.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { dumpStackPrintInfo } from "../dump-stack.ts";
import { since } from "../kernel-version.ts";
import { pointerText } from "../pointer-text.ts";
import type { SlabCommon } from "../slab-common.ts";
import { TAINT_BAD_PAGE } from "../taint.ts";
import { canaryAt } from "./canary.ts";
import {
  KFENCE_OBJECT_FREED,
  KFENCE_OBJECT_RCU_FREEING,
  KFENCE_OBJECT_UNUSED,
  KfenceMeta,
  type KfenceMetaPtr,
  type KfencePool,
  KfenceTrack,
} from "./pool.ts";

/** What has happened, in the words of a report's first line. */
export type KfenceError =
  | "out-of-bounds"
  | "use-after-free"
  | "memory corruption"
  | "invalid"
  | "invalid free";

export interface KfenceReport {
  readonly type: KfenceError;
  readonly address: Address;
  readonly isWrite: boolean;
  /** 0: it concerns no object. */
  readonly meta: KfenceMetaPtr;
}

const RULE = "=".repeat(66);
const OBJECTS_RULE = "-".repeat(33);
const CANARY_SHOWN = 16;

function failureOf({ type, meta }: KfenceReport, state: number): FailureClass {
  if (type === "use-after-free") return type;
  if (type === "out-of-bounds" || type === "memory corruption") return "redzone";
  return type === "invalid free" && meta !== 0 && state === KFENCE_OBJECT_FREED
    ? "double-free"
    : "bad-access";
}

export class KfenceReports {
  declare private readonly common: SlabCommon;
  declare private readonly memory: Memory;
  declare private readonly pool: KfencePool;
  /** kfence.fault=panic: a report ends the call that it is about. */
  declare private readonly isFatal: boolean;

  constructor(common: SlabCommon, pool: KfencePool, isFatal: boolean) {
    this.common = common;
    this.memory = common.machine.memory;
    this.pool = pool;
    this.isFatal = isFatal;
  }

  /** kfence_report_error. @throws KernelBug where a report ends the call */
  report(report: KfenceReport): void {
    const { common } = this;
    const { type, address, isWrite, meta } = report;
    const finder = common.machine.witness.stack();
    const access = isWrite ? "write" : "read";
    const isAccess = type !== "memory corruption" && type !== "invalid free";
    const what = isAccess ? `${type} ${access}` : type;
    this.print([
      RULE,
      `BUG: KFENCE: ${what} in ${finder[0] ?? "<not-available>"}`,
      "",
      this.second(report, access),
      ...finder.map((call) => ` ${call}`),
      ...(meta === 0 ? [] : ["", ...this.objectLines(meta)]),
      "",
    ]);
    dumpStackPrintInfo(common);
    this.print([RULE]);
    common.taint.add(TAINT_BAD_PAGE, { keepsLockdep: true });
    if (!this.isFatal) return;
    const failure = failureOf(report, this.field(meta, KfenceMeta.state));
    throw new KernelBug(failure, `KFENCE: ${what} at 0x${address.toString(16)}`);
  }

  private print(lines: readonly string[]): void {
    for (const line of lines) this.common.machine.console.printk(line);
  }

  private pointer(address: Address): string {
    return pointerText(this.common.kernel, address);
  }

  private field(at: Address, field: number): number {
    return at === 0 ? 0 : this.memory.read32(at + field);
  }

  private second({ type, address, meta }: KfenceReport, access: string): string {
    const at = this.pointer(address);
    const number = `kfence-#${this.pool.indexOf(meta)}`;
    switch (type) {
      case "out-of-bounds": {
        const distance = address - this.field(meta, KfenceMeta.address);
        const side = distance < 0 ? "left" : "right";
        return `Out-of-bounds ${access} at ${at} (${Math.abs(distance)}B ${side} of ${number}):`;
      }
      case "use-after-free":
        return `Use-after-free ${access} at ${at} (in ${number}):`;
      case "memory corruption":
        return `Corrupted memory at ${at} ${this.canaryText(address, meta)} (in ${number}):`;
      case "invalid free":
        return `Invalid free of ${at} (in ${number}):`;
      default:
        return `Invalid ${access} at ${at}:`;
    }
  }

  /** print_diff_canary: a point is a byte that is as it should be. */
  private canaryText(address: Address, meta: KfenceMetaPtr): string {
    const object = this.field(meta, KfenceMeta.address);
    const pageEnd = this.pool.pageOf(meta) + PAGE_SIZE;
    const end = Math.min(address + CANARY_SHOWN, address < object ? object : pageEnd);
    const bytes: string[] = [];
    for (let at = address; at < end; at++) {
      const byte = this.memory.read8(at);
      const digits = byte.toString(16).padStart(2, "0");
      bytes.push(byte === canaryAt(at) ? " ." : ` 0x${digits}`);
    }
    return `[${bytes.join("")} ]`;
  }

  /** kfence_print_object */
  private objectLines(meta: KfenceMetaPtr): string[] {
    const number = `kfence-#${this.pool.indexOf(meta)}`;
    const state = this.field(meta, KfenceMeta.state);
    if (state === KFENCE_OBJECT_UNUSED) return [`${number} unused`];
    const object = this.field(meta, KfenceMeta.address);
    const size = this.field(meta, KfenceMeta.size);
    const s = this.field(meta, KfenceMeta.cache);
    const cache = s === 0 ? "<destroyed>" : this.common.nameOf(s);
    const range = `${this.pointer(object)}-${this.pointer(object + size - 1)}`;
    const isLater = since(this.common.kernel, "6.6");
    const isFreed =
      state === KFENCE_OBJECT_FREED || (isLater && state === KFENCE_OBJECT_RCU_FREEING);
    const freed = state === KFENCE_OBJECT_FREED ? "freed" : "rcu freeing";
    return [
      `${number}: ${range}, size=${size}, cache=${cache}`,
      "",
      ...this.trackLines("allocated", meta + KfenceMeta.allocTrack),
      ...(isFreed ? ["", ...this.trackLines(freed, meta + KfenceMeta.freeTrack)] : []),
    ];
  }

  /** kfence_print_stack */
  private trackLines(what: string, track: Address): string[] {
    const { kernel, machine, stackDepot } = this.common;
    const when = this.field(track, KfenceTrack.when);
    const age = (machine.witness.milliseconds() - when) | 0;
    const ago = since(kernel, "6.6") ? ` (${secondsText(age)} ago)` : "";
    const [task, cpu] = [this.field(track, KfenceTrack.task), this.field(track, KfenceTrack.cpu)];
    const calls = stackDepot.stack(this.field(track, KfenceTrack.stack)) ?? [];
    const noStack = ` no ${what === "allocated" ? "allocation" : "deallocation"} stack`;
    return [
      `${what} by task ${task} on cpu ${cpu} at ${secondsText(when)}${ago}:`,
      ...(calls.length === 0 ? [noStack] : calls.map((call) => ` ${call}`)),
    ];
  }

  /** /sys/kernel/debug/kfence/objects */
  objectsText(): string {
    const lines = this.pool
      .metasInOrder()
      .flatMap((meta) => [...this.objectLines(meta), OBJECTS_RULE]);
    return lines.map((line) => `${line}\n`).join("");
  }
}

/** Milliseconds as a line of the kernel's log has them, without the minus sign of a number that wrapped. */
function secondsText(milliseconds: number): string {
  const whole = milliseconds >>> 0;
  const rest = String((whole % 1000) * 1000).padStart(6, "0");
  return `${Math.floor(whole / 1000)}.${rest}s`;
}
