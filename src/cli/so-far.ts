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
    // Who counts from the start again has begun another pass.
    if (last !== undefined && progress.schedules < last.schedules) this.before += last.schedules;
    const complete = deeper(progress.complete, last?.complete);
    this.last.set(shard, { ...progress, complete });
  }

  /** Of all shards together; a shard tells a few times a second, so there may have been more. */
  progress(): Progress {
    const bounds = Array.from({ length: this.bounds }, (_, shard) => this.last.get(shard));
    let schedules = this.before;
    for (const last of this.last.values()) schedules += last.schedules;
    return {
      schedules,
      seconds: (performance.now() - this.start) / 1000,
      complete: leastComplete(bounds),
    };
  }
}

function deeper(one: Complete | undefined, other: Complete | undefined): Complete | undefined {
  return (one?.preemptions ?? -1) >= (other?.preemptions ?? -1) ? one : other;
}
