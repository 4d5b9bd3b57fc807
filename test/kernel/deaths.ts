/**
 * Users of a pool are ended at random moments. The others go on with intact objects, nobody hangs, and
 * either the audit finds no more than what the dead had in their hands, or the damage is named.
 */
import { setImmediate as turn } from "node:timers/promises";
import { expect } from "vitest";
import { audit } from "../../src/check/audit.ts";
import { Ledger } from "../../src/check/ledger.ts";
import { Remains } from "../../src/check/remains.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { systemOf } from "../../src/kernel/kernel.ts";
import { Random } from "../../stress/random.ts";
import { Pool } from "./pool.ts";

export const USES = ["pairs", "holding", "sections", "bulk", "rcu", "caches"];

/** The allocators that differ in what a thread has in its hands. */
export const FORMS = {
  slub: { allocator: "slub", kernel: "4.1" },
  "slub with sheaves": { allocator: "slub", kernel: "7.1" },
  slab: { allocator: "slab", kernel: "4.1" },
} as const satisfies Record<string, BootOptions>;

export type Form = keyof typeof FORMS;

/** The errors of a thread that needs what the dead one held. */
const NAMED = /held by dead|the machine has panicked/;
const TURNS = 2_000;
const CPUS = 3;
/** Users of each pool that are ended, and users that stay. */
const DEATHS_A_POOL = 4;
const SURVIVORS = 2;

interface Ending {
  readonly held: readonly string[];
  readonly errors: readonly string[];
}

/** So many turns of the event loop are a random time. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** Ends up to `most` users of a pool, one after the other, until one leaves damage; how many, and how. */
async function withDeaths(
  seed: number,
  most: number,
  form: Form,
  use: string,
): Promise<Ending & { deaths: number }> {
  const random = new Random(seed, 0);
  const count = most + SURVIVORS;
  const pool = new Pool({ ...FORMS[form], cpus: CPUS, tasks: count + 1 }, "ledger");
  const users = await Promise.all(Array.from({ length: count }, () => pool.hire(use)));
  const dead: number[] = [];
  let held: string[] = [];
  const errors: string[] = [];
  // The parent is a survivor, too, and serves CPUs as it buries.
  const bury = (task: number): string[] => {
    try {
      return pool.kernel.bury(task);
    } catch (error) {
      errors.push(String(error));
      return [];
    }
  };
  while (dead.length < most && held.length + errors.length === 0) {
    await turns(random.below(TURNS));
    const [victim] = users.splice(random.below(users.length), 1);
    if (victim === undefined) throw new Error("nobody is left");
    await victim.kill();
    dead.push(victim.task);
    // Half of the dead are buried by their parent, the others by a thread that misses something.
    if (random.below(2) === 0) held = bury(victim.task);
  }
  await turns(random.below(TURNS));
  pool.stopAll();
  const answers = await Promise.all(users.map(({ answer }) => answer));
  held = dead.flatMap(bury);
  for (const answer of answers) if (answer?.error !== undefined) errors.push(answer.error);
  if (held.length === 0 && errors.length === 0) auditAround(pool, dead);
  return { deaths: dead.length, held, errors };
}

function auditAround(pool: Pool, dead: readonly number[]): void {
  pool.close();
  pool.kernel.rcuBarrier();
  const system = systemOf(pool.kernel);
  const ledger = new Ledger(system.common);
  const remains = new Remains(system, ledger, dead);
  expect(audit(system, { ledger, remains, large: [] })).toEqual([]);
}

/** Ends `deaths` users of pools; how often which ending came. */
export async function expectHealing(
  deaths: number,
  form: Form,
  use: string,
): Promise<Record<string, number>> {
  const endings: Record<string, number> = {};
  let left = deaths;
  for (let seed = 1; left > 0; seed++) {
    const ending = await withDeaths(seed, Math.min(left, DEATHS_A_POOL), form, use);
    for (const error of ending.errors) expect(error, `seed ${seed}`).toMatch(NAMED);
    const isNamed = ending.held.length + ending.errors.length > 0;
    const healed = isNamed ? ending.deaths - 1 : ending.deaths;
    endings.healed = (endings.healed ?? 0) + healed;
    endings.named = (endings.named ?? 0) + ending.deaths - healed;
    left -= ending.deaths;
  }
  return endings;
}
