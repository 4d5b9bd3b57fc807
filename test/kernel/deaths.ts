/**
 * A user of a pool is ended at a random moment. The others go on with intact objects, nobody hangs,
 * and either the audit finds no more than what the dead one had in its hands, or the damage is named.
 */
import { setImmediate as turn } from "node:timers/promises";
import { expect } from "vitest";
import { audit } from "../../src/check/audit.ts";
import { Ledger } from "../../src/check/ledger.ts";
import { Remains } from "../../src/check/remains.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { type Kernel, systemOf } from "../../src/kernel/kernel.ts";
import { Random } from "../../stress/random.ts";
import { Pool } from "./pool.ts";

export const USES = ["pairs", "holding", "sections", "bulk", "rcu", "caches"];

/** The allocators that differ in what a thread has in its hands. */
export const FORMS = {
  slub: { allocator: "slub" },
  "slub with sheaves": { allocator: "slub", kernel: "7.1" },
  slab: { allocator: "slab" },
} as const satisfies Record<string, BootOptions>;

export type Form = keyof typeof FORMS;

/** The errors of a thread that needs what the dead one held. */
const NAMED = /held by dead|the machine has panicked/;
const TURNS = 2_000;
const CPUS = 3;

interface Ending {
  readonly held: readonly string[];
  readonly errors: readonly string[];
}

/** So many turns of the event loop are a random time. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

async function withOneDeath(seed: number, form: Form, workload: string): Promise<Ending> {
  const random = new Random(seed, 0);
  const pool = new Pool({ ...FORMS[form], cpus: CPUS, tasks: CPUS + 2 }, "ledger");
  const { kernel } = pool;
  const users = [await pool.hire(workload), await pool.hire(workload), await pool.hire(workload)];
  const [victim, ...others] = users;
  if (victim === undefined) throw new Error("nobody was hired");
  await turns(random.below(TURNS));
  await victim.kill();
  // Half of the dead are buried by their parent, the others by a thread that misses something.
  const byParent = random.below(2) === 0 ? kernel.bury(victim.task) : [];
  await turns(random.below(TURNS));
  pool.stopAll();
  const answers = await Promise.all(others.map(({ answer }) => answer));
  const held = [...byParent, ...kernel.bury(victim.task)];
  const errors = answers.flatMap((answer) => (answer?.error === undefined ? [] : [answer.error]));
  if (held.length === 0 && errors.length === 0) auditAround(kernel, victim.task, pool);
  return { held, errors };
}

function auditAround(kernel: Kernel, dead: number, pool: Pool): void {
  pool.close();
  kernel.rcuBarrier();
  const system = systemOf(kernel);
  const ledger = new Ledger(system.common);
  expect(audit(system, { ledger, remains: new Remains(system, ledger, [dead]) })).toEqual([]);
}

/** Ends one user of each of `deaths` pools; how often which ending came. */
export async function expectHealing(
  deaths: number,
  form: Form,
  workload: string,
): Promise<Record<string, number>> {
  const endings: Record<string, number> = {};
  for (let seed = 1; seed <= deaths; seed++) {
    const { held, errors } = await withOneDeath(seed, form, workload);
    for (const error of errors) expect(error, `seed ${seed}`).toMatch(NAMED);
    const ending = held.length + errors.length === 0 ? "healed" : "named";
    endings[ending] = (endings[ending] ?? 0) + 1;
  }
  return endings;
}
