// SPDX-License-Identifier: GPL-2.0-only
/**
 * One CPU's part in one point: warm up, then many short windows of work, each with a few cas pairs
 * beside it. A CPU with enough windows goes on working, as a load for the others, until all have
 * enough.
 *
 * A window is thrown away if the thread lost its core in it. The median of the rest is the cost on a
 * machine of one's own, as far as that can be had on a shared one.
 */
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { casPairs, yardstickWords } from "../../src/machine/yardstick.ts";
import type { ScaleControl } from "./control.ts";
import { involuntarySwitches } from "./preemption.ts";
import type { CpuPoint, PointPlan } from "./protocol.ts";
import type { Handle } from "./subject.ts";
import type { Player, PlayerContext, Workload } from "./workload.ts";

/** Shorter than a time slice, so that most windows are whole; longer than reading the clocks. */
const WINDOW_MS = 0.8;
/** V8 is given so much time and so many operations to do its part. */
const WARM_UP_MS = 60;
const WARM_UP_OPERATIONS = 400_000;
const CAS_PAIRS = 4000;
/** The first windows of cas pairs are V8 warming up. */
const CAS_WARM_UP = 20;
const MOST_OPERATIONS = 1 << 22;
const LATENCIES = 20_000;
/** Barriers a point has. */
const PHASES = 3;

const words = yardstickWords();

export function measurePoint<H extends Handle>(
  workload: Workload,
  context: PlayerContext<H>,
  control: ScaleControl,
  plan: PointPlan,
  switches: () => number = involuntarySwitches,
): CpuPoint {
  const { subject, exchange, cpu } = context;
  const phase = plan.number * PHASES;
  for (let i = 0; i < CAS_WARM_UP; i++) casPairs(words, CAS_PAIRS);
  const player = workload.start(context);
  control.arrive(phase + 1);
  const point = subject.run(() => {
    const operations = warmUp(player, plan.warmUp);
    const measured = measureWindows(player, operations, plan, switches);
    const latencies = plan.latencies ? measureLatencies(player) : undefined;
    control.finished();
    while (!control.stopped) player.run(operations);
    return { ...measured, latencies };
  });
  control.rings.leave(cpu);
  control.arrive(phase + 2);
  player.finish();
  exchange.drain((object) => subject.free(object));
  if (cpu === 0) control.reset();
  control.arrive(phase + 3);
  return point;
}

/** Works until V8 has done its part, for `limit` ms at most; returns how many operations make a window. */
function warmUp(player: Player, limit: number): number {
  const start = performance.now();
  let operations = 64;
  let done = 0;
  let now = start;
  const isCold = () => now - start < WARM_UP_MS || done < WARM_UP_OPERATIONS;
  while (isCold() && now - start < limit) {
    const before = now;
    done += player.run(operations);
    now = performance.now();
    if (now - before < WINDOW_MS / 2 && operations < MOST_OPERATIONS) operations *= 2;
    else if (now - before > 2 * WINDOW_MS && operations > 64) operations /= 2;
  }
  return operations;
}

function measureWindows(
  player: Player,
  operations: number,
  plan: PointPlan,
  switches: () => number,
): Omit<CpuPoint, "latencies"> {
  const windows: number[] = [];
  const cas: number[] = [];
  let discarded = 0;
  let done = 0;
  let worked = 0;
  const end = performance.now() + plan.patience;
  let now = performance.now();
  while (windows.length < plan.windows && now < end) {
    const earlier = switches();
    const before = performance.now();
    const did = player.run(operations);
    const between = performance.now();
    casPairs(words, CAS_PAIRS);
    now = performance.now();
    done += did;
    worked += between - before;
    if (did === 0) continue;
    if (plan.discards && switches() !== earlier) {
      discarded++;
      continue;
    }
    windows.push(((between - before) * 1e6) / did);
    cas.push(((now - between) * 1e6) / CAS_PAIRS);
  }
  return { windows, casPairs: cas, discarded, rate: worked === 0 ? 0 : (done / worked) * 1000 };
}

/** Where one operation can be asked for alone. Includes reading the clock twice, some 50 ns. */
function measureLatencies(player: Player): RecordableHistogram | undefined {
  if (player.run(1) !== 1) return undefined;
  const latencies = createHistogram({ figures: 3 });
  for (let i = 0; i < LATENCIES; i++) {
    const before = performance.now();
    player.run(1);
    latencies.record(Math.max(1, Math.round((performance.now() - before) * 1e6)));
  }
  return latencies;
}
