/**
 * A thread that is ended by force in mid-run. DEATHS says how often, 10 by default, and FIRST_DEATH
 * with which seed to begin; the moments and the victims are random, and where the operation of the
 * victim was cut decides which of the two endings it is. Figures of docs/hotplug.md:
 * `DEATHS=100 npx vitest run test/stress/death.test.ts`. Every place to be cut at is tried one by one in
 * test/check/remains.test.ts.
 */
import { expect, test } from "vitest";
import type { Outcome, StressOptions } from "../../stress/options.ts";
import { Random } from "../../stress/random.ts";
import { type StressRun, stress } from "../../stress/run.ts";
import { options, TORTURE } from "./options.ts";

const DEATHS = Number(process.env.DEATHS ?? 10);
const FIRST = Number(process.env.FIRST_DEATH ?? 1);
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

const either: Trial = (n) => (n % 2 === 0 ? { allocator: "slab" } : {});
const tortured: Trial = (n) => ({
  ...TORTURE,
  ...(n % 2 === 0 ? { allocator: "slab" } : {}),
  ...(n % 3 === 0 ? { hotplug: 0.2 } : {}),
  ...(n % 4 === 1 ? { debug: "FZPU" } : {}),
});

async function expectTwoEndings(deaths: number, trial: Trial): Promise<void> {
  const endings: Record<string, number> = {};
  for (let seed = FIRST; seed < FIRST + deaths; seed++) {
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
  if (DEATHS > 10) console.log(endings);
}

test(
  `${DEATHS} threads ended at random moments: the others go on, or are told who is dead`,
  () => expectTwoEndings(DEATHS, either),
  60_000 * DEATHS,
);

const TORTURED = Math.ceil(DEATHS / 3);
test(
  `${TORTURED} more under torture, in caches that debug, and while CPUs go and come`,
  () => expectTwoEndings(TORTURED, tortured),
  60_000 * TORTURED,
);
