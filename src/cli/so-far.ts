// SPDX-License-Identifier: GPL-2.0-only
/** What the shards of a search have told of it: the answer, where the search is interrupted. */
import { type Complete, leastComplete, type Progress } from "../explore/budget.ts";
import type { ShardProgress } from "../museum/jobs.ts";

export class SoFar {
  private readonly start = performance.now();
  /** Shards that go through schedules bound by bound, one a subject; they come first. */
  private readonly bounds: number;
  private readonly last = new Map<number, Progress>();
  /** Schedules of passes that have ended. */
  private before = 0;

  constructor(bounds: number) {
    this.bounds = bounds;
  }

  hear({ shard, ...progress }: ShardProgress): void {
    const last = this.last.get(shard);
    // A shard that counts from the start again has begun another round.
    if (last !== undefined && progress.schedules < last.schedules) this.before += last.schedules;
    const bounds = allBounds(last?.bounds ?? [], progress.bounds);
    this.last.set(shard, { ...progress, bounds, complete: bounds.at(-1) });
  }

  /** Of all shards together; a shard tells a few times a second, so there may have been more. */
  progress(): Progress {
    const bounds = Array.from(
      { length: this.bounds },
      (_, shard) => this.last.get(shard)?.bounds ?? [],
    );
    const complete = leastComplete(bounds);
    let schedules = this.before;
    for (const last of this.last.values()) schedules += last.schedules;
    return {
      schedules,
      seconds: (performance.now() - this.start) / 1000,
      complete,
      bounds: complete === undefined ? [] : [complete],
    };
  }
}

/** Those of the earlier rounds, then the deeper ones of this round. */
function allBounds(earlier: readonly Complete[], now: readonly Complete[]): Complete[] {
  const most = earlier.at(-1)?.preemptions ?? -1;
  return [...earlier, ...now.filter(({ preemptions }) => preemptions > most)];
}
