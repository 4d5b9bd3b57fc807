// SPDX-License-Identifier: MIT
/**
 * The search through every interleaving, without a bound: one schedule for all that differ only in the
 * order of independent steps (schedulers/every.ts). Not for every program: where a task migrates there is no
 * end to it, and what depends on what is not known of store buffers, nor of a program over Int32Array and
 * Atomics, whose waits may time out.
 */
import type { Engine } from "./engine.ts";
import { NotExplorable } from "./failure.ts";
import { FootprintRecorder } from "./footprint.ts";
import { both } from "./observer.ts";
import { EveryScheduler } from "./schedulers/every.ts";
import { type SearchLimits, type SearchResult, searchWith } from "./search.ts";

/** Begins again, like searchBound, when the set of shared words grows. */
export function searchEvery(engine: Engine, limits: SearchLimits): SearchResult {
  refuseEndless(engine);
  const { memory, program } = engine;
  const { sharing } = memory;
  for (;;) {
    sharing.grown = false;
    const recorder = new FootprintRecorder(memory, program.afterEach !== undefined);
    const scheduler = new EveryScheduler(recorder, engine.contexts.length);
    const around = memory.observer;
    const observer = around === undefined ? recorder : both(recorder, around);
    const result = memory.observed(observer, () =>
      searchWith(engine, scheduler, limits, () => sharing.grown),
    );
    if (result.hit !== undefined || !sharing.grown || limits.budget.isSpent(limits.share)) {
      return { ...result, complete: result.complete && !sharing.grown };
    }
  }
}

/** @throws NotExplorable where no search comes to an end without a bound, or independence is not known. */
function refuseEndless({ contexts, memory, program }: Engine): void {
  const wanderer = contexts.find(({ migrates }) => migrates);
  if (wanderer !== undefined) {
    throw new NotExplorable(
      `${wanderer.name} may migrate again and again, so only a bound ends the search`,
    );
  }
  if (memory.buffers !== undefined) {
    throw new NotExplorable("with store buffers there is no search without a bound");
  }
  if (program.idle !== undefined) {
    throw new NotExplorable("a program over Int32Array and Atomics is searched to a bound");
  }
}
