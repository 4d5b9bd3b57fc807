/** A small machine for tests of one debug cache: errors counted, memory poked byte by byte. */
import type { KmemCachePtr } from "../../src/caches/kmem-cache.ts";
import type { SlabReport } from "../../src/caches/slab-report.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { boot, type Kernel, MIB, systemOf, threadOf } from "../../src/kernel/kernel.ts";
import type { Address } from "../../src/machine/memory.ts";
import { Slub } from "../../src/slub/cpu-slab/slub.ts";

export interface Bench {
  readonly kernel: Kernel;
  readonly slub: Slub;
  /** Reports as data, and lines as printed, in order. */
  readonly reports: SlabReport[];
  readonly lines: string[];
  /** How many errors and fixes `action` causes: what slub_kunit calls slab_errors. */
  errorsOf(action: () => void): number;
  /** The same of a validation of the cache. */
  validate(s: KmemCachePtr): number;
  poke(at: Address, byte: number): void;
  peek(at: Address, length: number): number[];
}

/** The calling thread stays on one CPU for good, so that tests read as sequences. */
export function bench(options: BootOptions = {}): Bench {
  const kernel = boot({ kernel: "4.1", cpus: 2, memory: 16 * MIB, ...options });
  const slub = systemOf(kernel).allocator;
  if (!(slub instanceof Slub)) throw new TypeError("these are tests of SLUB");
  threadOf(kernel).enterCpu(0);
  const reports: SlabReport[] = [];
  const lines: string[] = [];
  kernel.debug.onReport((report) => reports.push(report));
  systemOf(kernel).machine.console.sink = (line) => lines.push(line);
  const errorsOf = (action: () => void): number => {
    const before = slub.debugging.reports.errors;
    action();
    return slub.debugging.reports.errors - before;
  };
  return {
    kernel,
    slub,
    reports,
    lines,
    errorsOf,
    validate: (s) => errorsOf(() => kernel.debug.validate(s)),
    poke: (at, byte) => systemOf(kernel).memory.write8(at, byte),
    peek: (at, length) => Array.from({ length }, (_, i) => systemOf(kernel).memory.read8(at + i)),
  };
}
