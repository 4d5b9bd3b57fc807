/**
 * What a call outside of `run` costs, as a ratio to one inside: a pair of allocation and free, in
 * threads that do nothing else and take turns. In between two calls the thread keeps its CPU.
 */
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { boot, MIB } from "../src/kernel/index.ts";
import { raiseInliningBudget } from "../src/machine/inlining.ts";

export const PAIRS = [
  "SLUB: kmemCacheAlloc",
  "SLUB: kmalloc",
  "SLAB: kmemCacheAlloc",
  "SLAB: kmalloc",
] as const;
type Pair = (typeof PAIRS)[number];

interface Trial {
  readonly pair: Pair;
  readonly inside: boolean;
}

const SELF = fileURLToPath(import.meta.url);
const ROUNDS = 5;
const CALLS = 100_000;
/** Of so many timings in a thread the best counts: what else runs only ever adds. */
const TIMINGS = 30;

/** Cost outside of `run`, of the cost inside. */
export async function outsideCosts(): Promise<ReadonlyMap<Pair, number>> {
  const costs = new Map<Pair, number>();
  for (const pair of PAIRS) {
    const least = { inside: Number.POSITIVE_INFINITY, outside: Number.POSITIVE_INFINITY };
    for (let round = 0; round < ROUNDS; round++) {
      least.inside = Math.min(least.inside, await timeOf({ pair, inside: true }));
      least.outside = Math.min(least.outside, await timeOf({ pair, inside: false }));
    }
    costs.set(pair, least.outside / least.inside);
  }
  return costs;
}

function timeOf(trial: Trial): Promise<number> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(SELF, { workerData: trial });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function measure({ pair, inside }: Trial): number {
  const allocator = pair.startsWith("SLUB") ? "slub" : "slab";
  const kernel = boot({ cpus: 1, memory: 16 * MIB, allocator });
  const cache = kernel.kmemCacheCreate("bench", 64);
  const cachePairs = (): void => {
    for (let i = 0; i < CALLS; i++) kernel.kmemCacheFree(cache, kernel.kmemCacheAlloc(cache));
  };
  const kmallocPairs = (): void => {
    for (let i = 0; i < CALLS; i++) kernel.kfree(kernel.kmalloc(64));
  };
  const pairs = pair.endsWith("kmalloc") ? kmallocPairs : cachePairs;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TIMINGS; i++) {
    const start = performance.now();
    if (inside) kernel.run(pairs);
    else pairs();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

if (!isMainThread) {
  raiseInliningBudget();
  parentPort?.postMessage(measure(workerData as Trial));
}
