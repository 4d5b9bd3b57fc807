import { type AuditFinding, audit } from "../../src/check/audit.ts";
import { Ledger, ledgerBytes } from "../../src/check/ledger.ts";
import { withLedger } from "../../src/check/with-ledger.ts";
import { type BootOptions, boot, type Kernel, MIB } from "../../src/kernel/kernel.ts";
import type { SystemClasses } from "../../src/kernel/system.ts";
import { KernelBug } from "../../src/machine/kernel-bug.ts";
import { TorturedMemory } from "../../src/machine/tortured-memory.ts";
import type { Slub } from "../../src/slub/slub.ts";

export type Change = (classes: SystemClasses) => SystemClasses;

export interface Watched {
  readonly kernel: Kernel;
  readonly ledger: Ledger;
  readonly memory: TorturedMemory;
  readonly slub: Slub;
  /** The failure classes an audit finds, each once. */
  readonly failures: () => string[];
  readonly findings: () => AuditFinding[];
}

/** A system whose objects are entered in a ledger; `change` breaks it first. This thread is CPU 0. */
export function watched(options: BootOptions = {}, change: Change = (classes) => classes): Watched {
  const memory = options.memory ?? 8 * MIB;
  const kernel = boot(
    { cpus: 2, nodes: 1, memory, checker: ledgerBytes(memory), ...options },
    { memoryClass: TorturedMemory, change: (classes) => withLedger(change(classes)) },
  );
  const ledger = new Ledger(kernel.common);
  const findings = (): AuditFinding[] => audit(kernel, { ledger });
  return {
    kernel,
    ledger,
    memory: kernel.thread as TorturedMemory,
    slub: kernel.allocator as Slub,
    findings,
    failures: () => [...new Set(findings().map(({ failure }) => failure))],
  };
}

/** The failure class that `act` raises, or "none". */
export function failureOf(act: () => void): string {
  try {
    act();
  } catch (error) {
    if (error instanceof KernelBug) return error.failure;
    throw error;
  }
  return "none";
}
