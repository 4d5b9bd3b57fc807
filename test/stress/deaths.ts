/**
 * A thread that is ended by force in mid-run. The moments and the victims are random, and where the
 * operation of the victim was cut decides which of the two endings it is. Every place to be cut at is
 * tried one by one in test/check/remains.test.ts.
 */
import { expect } from "vitest";
import type { Outcome, StressOptions } from "../../stress/options.ts";
import { Random } from "../../stress/random.ts";
import { type StressRun, stress } from "../../stress/run.ts";
import { options, TORTURE } from "./options.ts";

const TURNS = 60;

/** A short run in which one task is ended after a random number of turns of the event loop. */
async function withOneDeath(seed: number, changed: Partial<StressOptions> = {}): Promise<Outcome> {
  const random = new Random(seed, 0);
  const victim = random.below(4);
  let turns = random.below(TURNS);
  let begun = false;
  const kill = (run: StressRun): void => {
    if (turns-- > 0) setImmediate(() => kill(run));
    else void run.kill(victim);
  };
  return stress(options({ seed, seconds: 0.7, operations: undefined, ...changed }), {
    progress: (_, run) => {
      if (!begun) kill(run);
      begun = true;
    },
  });
}

function endingOf({ failure, deaths, died }: Outcome): string {
  if (died !== undefined) return `broken: ${died}`;
  if (failure === undefined) return deaths.length === 1 ? "the others went on" : "nobody died";
  if (/deadlock: held by dead CPU \d/.test(failure.message)) return "held by the dead";
  return `${failure.class}: ${failure.message}`;
}

const ENDINGS = ["the others went on", "held by the dead"];

/** What the n-th death is tried on. */
type Trial = (n: number) => Partial<StressOptions>;

/** Both allocators in turns. */
export const either: Trial = (n) => (n % 2 === 0 ? { allocator: "slab" } : {});
/** Under torture, with caches that debug, and while CPUs go and come. */
export const tortured: Trial = (n) => ({
  ...TORTURE,
  ...(n % 2 === 0 ? { allocator: "slab" } : {}),
  ...(n % 3 === 0 ? { hotplug: 0.2 } : {}),
  ...(n % 4 === 1 ? { debug: "FZPU" } : {}),
});

/** Ends threads, one a run; returns how often each ending came. */
export async function expectTwoEndings(
  deaths: number,
  trial: Trial,
): Promise<Record<string, number>> {
  const endings: Record<string, number> = {};
  for (let seed = 1; seed <= deaths; seed++) {
    const outcome = await withOneDeath(seed, trial(seed));
    const ending = endingOf(outcome);
    const withRemains = outcome.deaths.some(({ remains }) => remains.length > 0);
    const kind = `${ending}${withRemains ? ", something was in its hands" : ""}`;
    endings[kind] = (endings[kind] ?? 0) + 1;
    expect(ENDINGS, `seed ${seed}`).toContain(ending);
    if (ending === "the others went on") {
      expect(outcome.deaths[0]?.held, `seed ${seed}`).toBeGreaterThanOrEqual(0);
      expect(outcome.checks.audits).toBeGreaterThan(1);
    }
  }
  return endings;
}
