import type { KmemCachePtr } from "../../src/caches/kmem-cache.ts";
import { type AuditFinding, audit } from "../../src/check/audit.ts";
import { Ledger, ledgerBytes } from "../../src/check/ledger.ts";
import { withLedger } from "../../src/check/with-ledger.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import type { SystemClasses } from "../../src/kernel/classes.ts";
import { boot, type Kernel, MIB, systemOf, threadOf } from "../../src/kernel/kernel.ts";
import { KernelBug } from "../../src/machine/kernel-bug.ts";
import type { Address } from "../../src/machine/memory.ts";
import type { Slub } from "../../src/slub/cpu-slab/slub.ts";
import { InterposedMemory } from "./interposed-memory.ts";

export type Change = (classes: SystemClasses) => SystemClasses;

export interface Watched {
  readonly kernel: Kernel;
  readonly ledger: Ledger;
  readonly memory: InterposedMemory;
  readonly slub: Slub;
  readonly findings: () => AuditFinding[];
  /** The failure classes an audit finds, each once. */
  readonly failures: () => string[];
}

/** A system whose objects are entered in a ledger; `change` breaks it first. Slabs of one page. */
export function watched(options: BootOptions = {}, change: Change = (classes) => classes): Watched {
  const memory = typeof options.memory === "number" ? options.memory : 3 * MIB;
  const kernel = boot(
    {
      kernel: "4.1",
      cpus: 2,
      nodes: 1,
      memory,
      checker: ledgerBytes(memory),
      parameters: { slub_max_order: 0, slab_nomerge: true },
      ...options,
    },
    { memoryClass: InterposedMemory, change: (classes) => withLedger(change(classes)) },
  );
  const ledger = new Ledger(systemOf(kernel).common);
  const findings = (): AuditFinding[] => audit(systemOf(kernel), { ledger });
  return {
    kernel,
    ledger,
    memory: threadOf(kernel) as InterposedMemory,
    slub: systemOf(kernel).allocator as Slub,
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

/** A cache with four objects a slab. */
export const OBJECT_BYTES = 1024;
export const OBJECTS = 4;

export function cacheOfFour({ kernel }: Watched): KmemCachePtr {
  return kernel.kmemCacheCreate("four", OBJECT_BYTES);
}

/** `count` objects, on the CPU that runs or on CPU 0. */
export function take({ kernel }: Watched, s: KmemCachePtr, count: number, cpu = 0): Address[] {
  return kernel.run(() => Array.from({ length: count }, () => kernel.kmemCacheAlloc(s)), cpu);
}

/** Frees the objects on a CPU. */
export function give({ kernel }: Watched, objects: readonly Address[], cpu = 0): void {
  kernel.run(() => {
    for (const object of objects) kernel.kfree(object);
  }, cpu);
}
