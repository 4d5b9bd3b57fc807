/**
 * Where one subject is measured: a machine with room for the measurement's own words, one thread a
 * CPU, and what the subject needs made beforehand. Every site is new, so no subject meets what
 * another has left.
 */
import { extname } from "node:path";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { type Remote, wrap } from "comlink";
import { ledgerBytes } from "../../src/check/ledger.ts";
import { boot, type Kernel, MIB } from "../../src/kernel/kernel.ts";
import { createMachine, MAX_MEMORY_BYTES, type SharedMachine } from "../../src/machine/machine.ts";
import type { Address } from "../../src/machine/memory.ts";
import { type LockUsage, lockUsage } from "../usage.ts";
import { scaleControlBytes } from "./control.ts";
import type { CpuPoint, PointPlan, ScaleStart, ScaleThread } from "./protocol.ts";
import type { SubjectInfo } from "./subjects/index.ts";
import { compileTlsf } from "./subjects/tlsf.ts";
import { buildOf } from "./thread.ts";
import { MOST_BYTES } from "./workloads/alloc-then-free.ts";

/** Beside this file under the same kind of name: .ts in the source, .js when built. */
const WORKER = new URL(`../../workers/scale${extname(import.meta.url)}`, import.meta.url);
const BASE_BYTES = 32 * MIB;

interface Seat {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly api: Remote<ScaleThread>;
  /** Rejects when the thread ends before it should; never resolves. */
  readonly death: Promise<never>;
}

export class Site {
  private readonly seats: Seat[] = [];
  private readonly kernel: Kernel | undefined;
  private lastLocks: LockUsage[] = [];
  private points = 0;
  private closing = false;

  private constructor(kernel: Kernel | undefined) {
    this.kernel = kernel;
  }

  /** @throws Error where the subject's package is not installed, or the machine is too small. */
  static async open(
    subject: SubjectInfo,
    cpus: number,
    sizes: readonly number[],
    how: { readonly seed: number; readonly raised: boolean },
  ): Promise<Site> {
    const { kernel, ...made } = await makeShared(subject, cpus, sizes);
    const site = new Site(kernel);
    const mail = subject.travel === "posted" ? channels(cpus) : undefined;
    try {
      const hire = (cpu: number): Promise<void> => {
        const place = { subject: subject.name, cpu, cpus, mail: mail?.[cpu] };
        const seat = site.hire({ ...made, ...how, ...place });
        return site.race(seat, seat.api.ready());
      };
      // The first thread lays out a heap that the others find.
      await hire(0);
      await Promise.all(Array.from({ length: cpus - 1 }, (_, i) => hire(i + 1)));
    } catch (error) {
      await site.close();
      throw error;
    }
    return site;
  }

  private hire(start: Omit<ScaleStart, "port">): Seat {
    const { port1, port2 } = new MessageChannel();
    const workerData: ScaleStart = { ...start, port: port2 };
    const transferList = [port2, ...(start.mail ?? []).filter((port) => port !== undefined)];
    const worker = new Worker(WORKER, { workerData, transferList });
    const death = new Promise<never>((_, reject) => {
      worker.once("error", reject);
      worker.once("exit", (code) => {
        if (!this.closing)
          reject(new Error(`CPU ${start.cpu} of ${start.subject} exited with ${code}`));
      });
    });
    death.catch(() => undefined);
    const seat = { worker, port: port1, api: wrap<ScaleThread>(port1 as never), death };
    this.seats.push(seat);
    return seat;
  }

  private race<T>({ death }: Seat, call: Promise<T>): Promise<T> {
    return Promise.race([call, death]);
  }

  /** One point, by all CPUs at once. */
  measure(plan: Omit<PointPlan, "number">): Promise<CpuPoint[]> {
    const number = this.points++;
    return Promise.all(
      this.seats.map((seat) => this.race(seat, seat.api.measure({ ...plan, number }))),
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
    this.closing = true;
    for (const { port } of this.seats) port.close();
    await Promise.all(this.seats.map(({ worker }) => worker.terminate()));
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
