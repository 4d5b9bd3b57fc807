// SPDX-License-Identifier: MIT
/**
 * Makes a failing schedule small by searching again: first with fewer preemptions, then with single
 * operations left out. Only the class of the failure must stay the same. Merging the turns of the
 * given schedule would get stuck far above the minimum; a bounded search finds the minimum.
 */
import { Budget } from "./budget.ts";
import { Engine, type Program } from "./engine.ts";
import { without } from "./program.ts";
import { type BoundOptions, type Hit, searchBound } from "./search.ts";

export interface Shrunk {
  readonly program: Program;
  readonly hit: Hit;
}

/** Schedules that each attempt may cost. */
const ATTEMPT = 10_000;

/** `least`: schedules with fewer preemptions are known to pass. */
export function shrink(program: Program, hit: Hit, least: number, options: BoundOptions): Shrunk {
  if (hit.found.class === "non-determinism") return { program, hit };
  const fewest = withFewerPreemptions(program, hit, least, options);
  return withFewerOperations({ program, hit: fewest }, options);
}

function withFewerPreemptions(
  program: Program,
  hit: Hit,
  least: number,
  options: BoundOptions,
): Hit {
  for (let bound = least; bound < hit.preemptions; bound++) {
    const found = attempt(program, bound, hit, options);
    if (found !== undefined) return found;
  }
  return hit;
}

function withFewerOperations(start: Shrunk, options: BoundOptions): Shrunk {
  let best = start;
  let kept = start.program.contexts.reduce((sum, { operations }) => sum + operations.length, 0);
  start.program.contexts.forEach((context, id) => {
    for (let index = context.operations.length - 1; index >= 0; index--) {
      if (context.operations[index]?.isNeeded === true) continue;
      // A token names a schedule, and a program without operations has none.
      if (kept === 1) return;
      const left = [...(best.program.without ?? []), `${id}.${index}`];
      const smaller = without(best.program, left);
      if (failsByItself(smaller, best.hit)) continue;
      const hit = attempt(smaller, best.hit.preemptions, best.hit, options);
      if (hit?.preemptions !== best.hit.preemptions) continue;
      best = { program: smaller, hit };
      kept--;
    }
  });
  return best;
}

/**
 * An operation or a check that needs the operation left out fails by itself, which proves nothing. A
 * failure with fewer preemptions than the whole program needs is taken for that, too: if it were
 * genuine, the whole program would show it.
 */
function failsByItself(program: Program, hit: Hit): boolean {
  const { found } = new Engine(program).run({ begin: () => true, next: () => 0 });
  if (found === undefined) return false;
  return hit.preemptions > 0 || found.class !== hit.found.class || found.class === "exception";
}

function attempt(
  program: Program,
  bound: number,
  hit: Hit,
  options: BoundOptions,
): Hit | undefined {
  const limits = { budget: new Budget(ATTEMPT), class: hit.found.class };
  return searchBound(new Engine(program), bound, limits, options).hit;
}
