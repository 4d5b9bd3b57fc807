import { expect, test } from "vitest";
import { PctScheduler } from "../../src/explore/schedulers/pct.ts";
import { choiceOf, contextOf } from "../../src/explore/schedulers/scheduler.ts";

const DECISIONS = 40;

/** How often another context goes on though the running one could, which it can at every other decision. */
function drops(scheduler: PctScheduler): number {
  scheduler.begin();
  let running = 0;
  let dropped = 0;
  for (let decision = 0; decision < DECISIONS; decision++) {
    const current = decision % 2 === 0 ? -1 : 0;
    const choices = [running, 1 - running].map((context) => choiceOf(context, context));
    const chosen = scheduler.next({ choices, costs: [0, 1] }, current);
    const next = contextOf(choices[chosen] as number);
    if (current === 0 && next !== running) dropped++;
    running = next;
  }
  return dropped;
}

test("each of the d - 1 change points of PCT drops the running context, or the next that could go on", () => {
  const scheduler = new PctScheduler(1);
  drops(scheduler);
  const wanted: number[] = [];
  const found: number[] = [];
  for (let schedule = 1; schedule <= 300; schedule++) {
    wanted.push(1 + (schedule % 3));
    found.push(drops(scheduler));
  }
  expect(found.every((count, i) => count <= (wanted[i] as number))).toBe(true);
  const sum = (counts: number[]): number => counts.reduce((total, count) => total + count, 0);
  // A point is lost if it lies behind the end, or so near it that no context runs after it.
  expect(sum(found)).toBeGreaterThan(0.95 * sum(wanted));
});
