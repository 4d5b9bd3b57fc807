/**
 * A thread that is ended by force in mid-run. DEATHS says how often, 10 by default; the moments and
 * the victims are random, and where the operation of the victim was cut decides which of the endings
 * it is. Figures of docs/hotplug.md: `DEATHS=100 npx vitest run test/stress/death.test.ts`.
 */
import { expect, test } from "vitest";
import type { Outcome, StressOptions } from "../../stress/options.ts";
import { Random } from "../../stress/random.ts";
import { type StressRun, stress } from "../../stress/run.ts";
import { options } from "./options.ts";

const DEATHS = Number(process.env.DEATHS ?? 10);
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
  return stress(options({ seed, seconds: 1, operations: undefined, ...changed }), {
    progress: (_, run) => {
      if (!begun) kill(run);
      begun = true;
    },
  });
}

/** Where a thread was cut in two, the audit finds what was in its hands. */
const CUT = ["lost-object", "counter-drift", "leaked-page", "stuck-frozen-slab", "list-corruption"];

function endingOf({ failure, deaths, died }: Outcome): string {
  if (died !== undefined) return `broken: ${died}`;
  if (failure === undefined) return deaths.length === 1 ? "the others went on" : "nobody died";
  if (/deadlock: held by dead CPU \d/.test(failure.message)) return "held by the dead";
  if (CUT.includes(failure.class) && / has died at /.test(failure.message)) return "cut in two";
  return `${failure.class}: ${failure.message}`;
}

const ENDINGS = ["the others went on", "held by the dead", "cut in two"];

test(
  `${DEATHS} threads ended at random moments: the others go on, or are told who is dead`,
  async () => {
    const endings: Record<string, number> = {};
    for (let seed = 1; seed <= DEATHS; seed++) {
      const changed = seed % 2 === 0 ? { allocator: "slab" as const } : {};
      const outcome = await withOneDeath(seed, changed);
      const ending = endingOf(outcome);
      endings[ending] = (endings[ending] ?? 0) + 1;
      expect(ENDINGS, `seed ${seed}`).toContain(ending);
      if (ending === "the others went on") {
        expect(outcome.deaths[0]?.held, `seed ${seed}`).toBeGreaterThanOrEqual(0);
        expect(outcome.checks.audits).toBeGreaterThan(1);
      }
    }
    if (DEATHS > 10) console.log(endings);
  },
  20_000 * DEATHS,
);
