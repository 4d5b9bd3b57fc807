/**
 * What checking costs: an allocation and a free of a 64-byte object, without debugging and with more
 * and more of it, as a ratio to a pair of compare-and-swaps timed beside it. Each in a thread of its
 * own, since V8 optimises for the only kind of cache it has seen.
 *
 *     npm run bench:debug
 */

import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { type BootOptions, boot, MIB } from "../src/kernel/index.ts";
import { systemOf } from "../src/kernel/kernel.ts";
import { noWitness } from "../src/machine/witness.ts";
import { casPairs, yardstickWords } from "../src/machine/yardstick.ts";
import { figure } from "../src/report/scale-text.ts";
import { columns } from "../src/report/text.ts";

const SELF = fileURLToPath(import.meta.url);
/** Of so many timings, each of both in turn, the best count: what else runs only ever adds. */
const TIMINGS = 150;
const TIMING_MS = 2;
/** Timed until V8 has made up its mind. */
const WARM_UP_MS = 300;

interface Subject {
  readonly name: string;
  readonly options: BootOptions;
  /** Whether tracks remember JavaScript stacks. */
  readonly stacks: boolean;
}

interface Cost {
  readonly nanoseconds: number;
  readonly casPairs: number;
}

/** Letters of slub_debug. */
const debug = (letters: string): BootOptions => ({ parameters: { slub_debug: letters } });
const LATER: BootOptions = { kernel: "6.1" };
const every = (sampleInterval: number): BootOptions => ({ ...LATER, kfence: { sampleInterval } });

const SUBJECTS: readonly Subject[] = [
  { name: "no debugging", options: {}, stacks: false },
  { name: "F", options: debug("F"), stacks: false },
  { name: "FZ", options: debug("FZ"), stacks: false },
  { name: "FZP", options: debug("FZP"), stacks: false },
  { name: "FZPU, no stacks", options: debug("FZPU"), stacks: false },
  { name: "FZPU", options: debug("FZPU"), stacks: true },
  { name: "6.1, no debugging", options: LATER, stacks: true },
  { name: "6.1, KFENCE, every 10,000th", options: every(10_000), stacks: true },
  { name: "6.1, KFENCE, every 1000th", options: every(1000), stacks: true },
  { name: "6.1, KFENCE, every 100th", options: every(100), stacks: true },
  { name: "6.1, KASAN", options: { ...LATER, kasan: true }, stacks: true },
];

function costOf(subject: Subject): Promise<Cost> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(SELF, { workerData: subject });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

type Work = (pairs: number) => void;

function nanosecondsOf(work: Work, pairs: number): number {
  const begin = performance.now();
  work(pairs);
  return ((performance.now() - begin) * 1e6) / pairs;
}

/** Warms `work` up; returns how many pairs take TIMING_MS. */
function pairsPerTiming(work: Work): number {
  let least = Number.POSITIVE_INFINITY;
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end; ) {
    least = Math.min(least, nanosecondsOf(work, 32));
  }
  return Math.ceil((TIMING_MS * 1e6) / least);
}

function measure({ options, stacks }: Subject): Cost {
  const kernel = boot({ kernel: "4.1", cpus: 1, memory: 16 * MIB, ...options });
  if (!stacks) systemOf(kernel).machine.witness = noWitness;
  const cache = kernel.kmemCacheCreate("bench", 64);
  const words = yardstickWords();
  const cas: Work = (pairs) => casPairs(words, pairs);
  const slub: Work = (pairs) => {
    for (let i = 0; i < pairs; i++) kernel.kmemCacheFree(cache, kernel.kmemCacheAlloc(cache));
  };
  return kernel.run(() => {
    const count = { cas: pairsPerTiming(cas), slub: pairsPerTiming(slub) };
    const least = { cas: Number.POSITIVE_INFINITY, slub: Number.POSITIVE_INFINITY };
    for (let i = 0; i < TIMINGS; i++) {
      least.cas = Math.min(least.cas, nanosecondsOf(cas, count.cas));
      least.slub = Math.min(least.slub, nanosecondsOf(slub, count.slub));
    }
    return { nanoseconds: least.slub, casPairs: least.slub / least.cas };
  });
}

async function report(): Promise<void> {
  const rows: string[][] = [];
  for (const subject of SUBJECTS) {
    const cost = await costOf(subject);
    rows.push([subject.name, `${figure(cost.casPairs)} x`, `${figure(cost.nanoseconds)} ns`]);
  }
  process.stdout.write(columns(["checks", "cas pairs", "a pair"], rows));
}

if (isMainThread) await report();
else parentPort?.postMessage(measure(workerData as Subject));
