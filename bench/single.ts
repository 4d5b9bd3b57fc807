/**
 * What a single operation costs in a program that does nothing about V8's limits, by tinybench, as a
 * ratio to the yardstick: a pair of compare-and-swaps by Atomics on a shared word, measured in the
 * same run. The machine may be busy; ratios bear that, nanoseconds do not.
 *
 *     npm run bench:single
 *     npm run bench:single -- 4.1
 */
import { Bench } from "tinybench";
import type { KernelVersion } from "../src/caches/kernel-version.ts";
import { boot, MIB } from "../src/kernel/index.ts";
import { count } from "../src/report/text.ts";

const ROUND = 1_000;
const MANY = 10_000;
const BULK = 64;
const SLOTS = 1_000;
const YARDSTICK = "cas pair";

const [version = "7.1"] = process.argv.slice(2);
const kernel = boot({ kernel: version as KernelVersion, cpus: 1, memory: 128 * MIB });
const cache = kernel.kmemCacheCreate("bench", 64);
const word = kernel.view32(kernel.kzalloc(64));
const objects: number[] = new Array<number>(MANY).fill(0);
const shuffled = Array.from({ length: MANY }, (_, i) => (i * 7919) % MANY);
const slots = kernel.run(() => Array.from({ length: SLOTS }, () => kernel.kmemCacheAlloc(cache)));

/** A subject and how many pairs (an allocation and a free each) one call makes. */
const subjects: readonly (readonly [string, number, () => void])[] = [
  [YARDSTICK, ROUND, casPairs],
  ["SLUB pair", ROUND, cachePairs],
  ["kmalloc pair", ROUND, kmallocPairs],
  [`bulk of ${BULK}, per object`, ROUND * BULK, bulk],
  [`${count(MANY)} then free, FIFO`, MANY, () => thenFree((i) => i)],
  [`${count(MANY)} then free, random`, MANY, () => thenFree((i) => shuffled[i] as number)],
  [`one of ${count(SLOTS)} replaced (larson)`, MANY, replaceSome],
];

function casPairs(): void {
  for (let i = 0; i < ROUND; i++) {
    Atomics.compareExchange(word, 0, 0, 1);
    Atomics.compareExchange(word, 0, 1, 0);
  }
}

function cachePairs(): void {
  for (let i = 0; i < ROUND; i++) kernel.kmemCacheFree(cache, kernel.kmemCacheAlloc(cache));
}

function kmallocPairs(): void {
  for (let i = 0; i < ROUND; i++) kernel.kfree(kernel.kmalloc(64));
}

function bulk(): void {
  for (let i = 0; i < ROUND; i++) {
    const taken: number[] = [];
    kernel.kmemCacheAllocBulk(cache, BULK, taken);
    kernel.kmemCacheFreeBulk(cache, BULK, taken);
  }
}

function thenFree(order: (i: number) => number): void {
  for (let i = 0; i < MANY; i++) objects[i] = kernel.kmemCacheAlloc(cache);
  for (let i = 0; i < MANY; i++) kernel.kmemCacheFree(cache, objects[order(i)] as number);
}

function replaceSome(): void {
  for (let i = 0; i < MANY; i++) {
    const slot = (shuffled[i] as number) % SLOTS;
    kernel.kmemCacheFree(cache, slots[slot] as number);
    slots[slot] = kernel.kmemCacheAlloc(cache);
  }
}

const bench = new Bench({ time: 500, warmupTime: 300 });
for (const [name, , subject] of subjects) bench.add(name, () => kernel.run(subject));
await bench.run();

const perPair = new Map(
  subjects.map(([name, pairs]) => {
    const result = bench.getTask(name)?.result;
    const milliseconds =
      result !== undefined && "latency" in result ? result.latency.min : Number.NaN;
    return [name, (milliseconds * 1e6) / pairs];
  }),
);
const yardstick = perPair.get(YARDSTICK) ?? Number.NaN;
for (const [name, nanoseconds] of perPair) {
  console.log(
    `${name.padEnd(28)}${nanoseconds.toFixed(1).padStart(8)} ns${(nanoseconds / yardstick).toFixed(2).padStart(8)}x`,
  );
}
