// SPDX-License-Identifier: GPL-2.0-only
/**
 * One subject being measured: a machine with room for the measurement's own words, one thread a
 * CPU, and what the subject needs made beforehand. Every measurement starts anew, so no subject
 * meets the heap of another.
 */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { ledgerBytes } from "../../src/check/ledger.ts";
import { boot, type Kernel, MIB } from "../../src/kernel/kernel.ts";
import { createMachine, MAX_MEMORY_BYTES, type SharedMachine } from "../../src/machine/machine.ts";
import type { Address } from "../../src/machine/memory.ts";
import { plainModule } from "../../workers/thread-module.ts";
import { type LockUsage, lockUsage } from "../usage.ts";
import { WorkerThread } from "../worker-thread.ts";
import { scaleControlBytes } from "./control.ts";
import type { CpuPoint, PointPlan, ScaleStart, ScaleThread } from "./protocol.ts";
import type { SubjectInfo } from "./subjects/index.ts";
import { compileTlsf } from "./subjects/tlsf.ts";
import { buildOf } from "./thread.ts";
import { MOST_BYTES } from "./workloads/alloc-then-free.ts";

const BASE_BYTES = 32 * MIB;

export class Measurement {
  private readonly workers: WorkerThread<ScaleThread>[] = [];
  declare private readonly kernel: Kernel | undefined;
  private lastLocks: LockUsage[] = [];
  private points = 0;

  private constructor(kernel: Kernel | undefined) {
    this.kernel = kernel;
  }

  /** @throws Error where the subject's package is not installed, or the machine is too small. */
  static async open(
    subject: SubjectInfo,
    cpus: number,
    sizes: readonly number[],
    how: { readonly seed: number; readonly raised: boolean },
  ): Promise<Measurement> {
    const { kernel, ...made } = await makeShared(subject, cpus, sizes);
    const measurement = new Measurement(kernel);
    const mail = subject.travel === "posted" ? channels(cpus) : undefined;
    const start = (cpu: number): Promise<void> => {
      const place = { subject: subject.name, cpu, cpus, mail: mail?.[cpu] };
      return measurement.start({ ...made, ...how, ...place });
    };
    try {
      // The first thread lays out a heap that the others find.
      await start(0);
      await Promise.all(Array.from({ length: cpus - 1 }, (_, i) => start(i + 1)));
    } catch (error) {
      await measurement.close();
      throw error;
    }
    return measurement;
  }

  private async start(data: Omit<ScaleStart, "port">): Promise<void> {
    const ports = (data.mail ?? []).filter((port) => port !== undefined);
    const worker = new WorkerThread<ScaleThread>(plainModule("scale"), data, ports);
    this.workers.push(worker);
    await worker.ask((api) => api.ready());
  }

  /** One point, by all CPUs at once. */
  measure(plan: Omit<PointPlan, "number">): Promise<CpuPoint[]> {
    const number = this.points++;
    return Promise.all(
      this.workers.map((worker) => worker.ask((api) => api.measure({ ...plan, number }))),
    );
  }

  /** How often each lock was taken, since the last time. Nobody measures. */
  locks(): LockUsage[] {
    if (this.kernel === undefined) return [];
    const now = lockUsage(this.kernel);
    const before = new Map(this.lastLocks.map((usage) => [usage.lock, usage]));
    this.lastLocks = now;
    return now
      .map(({ lock, acquired, contended }) => ({
        lock,
        acquired: (acquired - (before.get(lock)?.acquired ?? 0)) >>> 0,
        contended: (contended - (before.get(lock)?.contended ?? 0)) >>> 0,
      }))
      .filter(({ acquired }) => acquired > 0);
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close()));
  }
}

async function makeShared(
  subject: SubjectInfo,
  cpus: number,
  sizes: readonly number[],
): Promise<Pick<ScaleStart, "shared" | "caches" | "tlsfModule"> & { readonly kernel?: Kernel }> {
  const isWatched = subject.variant === "ledger";
  const wanted = BASE_BYTES + cpus * 2 * MOST_BYTES;
  const memory = Math.min(wanted, Math.floor(MAX_MEMORY_BYTES / (isWatched ? 2 : 1)) - 64 * MIB);
  const checker = scaleControlBytes(cpus) + 64 + (isWatched ? ledgerBytes(memory) : 0);
  const machine = { cpus, nodes: 1, memory, tasks: cpus + 1, checker, seed: 1 };
  if (subject.boot !== undefined) {
    const kernel = boot({ ...subject.boot, ...machine }, buildOf(subject));
    const caches = subject.kind === "cache" ? makeCaches(kernel, sizes) : new Map();
    return { kernel, shared: { kernel: kernel.shared }, caches, tlsfModule: undefined };
  }
  const bare: SharedMachine = createMachine({ ...machine, atomics: "wasm" });
  const tlsfModule = subject.kind === "tlsf" ? await compileTlsf(bare) : undefined;
  return { shared: { machine: bare }, caches: new Map(), tlsfModule };
}

function makeCaches(kernel: Kernel, sizes: readonly number[]): Map<number, Address> {
  return new Map(sizes.map((size) => [size, kernel.kmemCacheCreate(`scale-${size}`, size)]));
}

/** By CPU, its ends of the channels to all others, and to itself. */
function channels(cpus: number): MessagePort[][] {
  const ports: MessagePort[][] = Array.from({ length: cpus }, () => []);
  for (let a = 0; a < cpus; a++) {
    for (let b = a + 1; b < cpus; b++) {
      const { port1, port2 } = new MessageChannel();
      (ports[a] as MessagePort[])[b] = port1;
      (ports[b] as MessagePort[])[a] = port2;
    }
  }
  return ports;
}
