/**
 * What the explorer costs a program that does not explore. A SLUB pair is timed, as a ratio to a pair
 * of compare-and-swaps timed beside it, in threads of three kinds: one that has loaded nothing of the
 * explorer, one that has loaded it and the museum, and one that has explored before, whose allocator
 * V8 therefore knows to run over two kinds of memory.
 */
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { boot, MIB } from "../src/kernel/index.ts";

export const KINDS = ["nothing of the explorer", "the explorer loaded", "explored before"] as const;
type Kind = (typeof KINDS)[number];

const SELF = fileURLToPath(import.meta.url);
const ROUNDS = 5;
const PAIRS = 200_000;
/** Of so many timings in a thread the best counts: what else runs only ever adds. */
const TIMINGS = 25;

/** Least cost of each kind, in cas pairs, of threads that took turns. */
export async function explorerCosts(): Promise<ReadonlyMap<Kind, number>> {
  const costs = new Map<Kind, number>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of KINDS) {
      const cost = await costOf(kind);
      costs.set(kind, Math.min(cost, costs.get(kind) ?? Number.POSITIVE_INFINITY));
    }
  }
  return costs;
}

function costOf(kind: Kind): Promise<number> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(SELF, { workerData: kind });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

async function prepare(kind: Kind): Promise<void> {
  if (kind === "nothing of the explorer") return;
  const { explore } = await import("../src/explore/explore.ts");
  const { scenarioOfSubject } = await import("../src/museum/subject.ts");
  if (kind === "the explorer loaded") return;
  const scenario = await scenarioOfSubject({ scenario: "two-cpus" });
  explore({ ...scenario, search: { strategy: "walk", schedules: 5000 } });
}

function measure(): number {
  const kernel = boot({ kernel: "4.1", cpus: 1, memory: 16 * MIB });
  const cache = kernel.kmemCacheCreate("bench", 64);
  const word = kernel.view32(kernel.kzalloc(64));
  const casPairs = (): void => {
    for (let i = 0; i < PAIRS; i++) {
      Atomics.compareExchange(word, 0, 0, 1);
      Atomics.compareExchange(word, 0, 1, 0);
    }
  };
  const slubPairs = (): void => {
    for (let i = 0; i < PAIRS; i++) kernel.kmemCacheFree(cache, kernel.kmemCacheAlloc(cache));
  };
  const least = (work: () => void): number => {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < TIMINGS; i++) {
      const start = performance.now();
      kernel.run(work);
      best = Math.min(best, performance.now() - start);
    }
    return best;
  };
  return least(slubPairs) / least(casPairs);
}

if (!isMainThread) {
  await prepare(workerData as Kind);
  parentPort?.postMessage(measure());
}
