// SPDX-License-Identifier: GPL-2.0-only
/**
 * dump_stack: which CPU and task came by, and by which calls, as the kernel prints it without its
 * registers and the addresses of its code. Calls are those of the program, in JavaScript.
 */
import type { Machine } from "../machine/machine.ts";
import { type KernelVersion, since } from "./kernel-version.ts";
import { TAINT_WARN, type Taint } from "./taint.ts";

/** The name that all tasks have. */
export const COMM = "slablab";

export interface DumpedMachine {
  readonly machine: Machine;
  readonly kernel: KernelVersion;
  readonly taint: Taint;
}

/** dump_stack_print_info: who it is. */
export function dumpStackPrintInfo(on: DumpedMachine): void {
  const { machine, kernel, taint } = on;
  const { console, memory } = machine;
  const uid = since(kernel, "6.12") ? " UID: 0" : "";
  console.printk(
    `CPU: ${memory.smpProcessorId()}${uid} PID: ${memory.current()} Comm: ${COMM} ${taint.text} ${kernel} #1`,
  );
  // From 6.13 on taints are spelt out, too.
  if (since(kernel, "6.13") && taint.names !== "") console.printk(taint.names);
}

/** dump_stack. `calls`: innermost first. */
export function dumpStack(on: DumpedMachine, calls: readonly string[]): void {
  const { machine, kernel } = on;
  const { console } = machine;
  dumpStackPrintInfo(on);
  console.printk("Call Trace:");
  // From 4.13 on the kind of stack is named.
  const isNamed = since(kernel, "4.13");
  if (isNamed) console.printk(" <TASK>");
  for (const call of calls) console.printk(` ${call}`);
  if (isNamed) console.printk(" </TASK>");
}

/** WARN in `place`, a function of mm/slub.c, with a text of its own or none. */
export function warn(
  on: DumpedMachine,
  place: string,
  calls: readonly string[],
  text?: string,
): void {
  const { console, memory } = on.machine;
  const [cpu, pid] = [memory.smpProcessorId(), memory.current()];
  console.printk("------------[ cut here ]------------");
  if (text !== undefined) console.printk(text);
  console.printk(
    since(on.kernel, "6.19")
      ? `WARNING: mm/slub.c at ${place}, CPU#${cpu}: ${COMM}/${pid}`
      : `WARNING: CPU: ${cpu} PID: ${pid} at mm/slub.c ${place}`,
  );
  console.printk("Modules linked in:");
  dumpStack(on, calls);
  console.printk("---[ end trace 0000000000000000 ]---");
  on.taint.add(TAINT_WARN, { keepsLockdep: true });
}
