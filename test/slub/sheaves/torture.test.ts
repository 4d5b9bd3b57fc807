import { expect, test } from "vitest";
import { explore } from "../../../src/explore/explore.ts";
import { scenarioOf } from "../../../src/laboratory/scenario.ts";
import { sheavesNolockElsewhere } from "../../../src/laboratory/scenarios/sheaves-interrupt.ts";
import { unreachedBy } from "./coverage.ts";
import { TorturedRun } from "./tortured-run.ts";

const SHEAVES = /src\/slub\/sheaves\/[^/]*\.ts$/;

/** Where a lock is in the hands of another CPU: torture of one thread has no other that runs. */
const ELSEWHERE = [
  'barn.ts replaceFull: return "EBUSY"',
  "barn.ts lock: memory.irqRestore(flags); return undefined",
  "node-lists.ts tryLockIrqsave: this.memory.irqRestore(flags); return undefined",
];

/** What one thread under torture need not reach, and why. */
const EXCUSED: readonly RegExp[] = [
  // Misuse and broken machines: other tests raise these.
  /throw new |panic\(|wrongCache|whyStrange/,
  // A slab whose objects fail their checks.
  /takeChecked|freeToPartialList/,
  // The lock was free a moment ago, and only an interrupt can come in between, which drops it before it
  // ends: a second try fails in a kernel with PREEMPT_RT alone.
  /main-sheaf\.ts (installEmpty: \{ barns\.putEmpty.*return 0|replaceFull: return 0|replaceFullOnce: : 0)/,
  /flush\.ts main: return flushed/,
  // A barn exists for each node of a machine whose CPUs are there from the start.
  /return this\.giveUp\(pcs\)|ensureRoom: return false/,
  // A batch of 32 objects of the other node.
  /bulk\.ts takeRemote: /,
  // The audit looks at frees that were put off only while some are.
  /deferred-frees\.ts of: /,
  // Memory refused at one moment of few.
  /prefill\.ts (prefill|prefillOversize|takeSheaf|giveBack): /,
  // Chances of a race that few steps show: at least one stale look, a slab that empties meanwhile.
  /barn\.ts (replaceFull: \? "ENOMEM"|getFullOrEmpty)|rcuFreeSheaf: else/,
];

test("torture reaches each branch of the sheaves that a failure leads to", async () => {
  const unreached = await unreachedBy(SHEAVES, () => {
    for (const seed of [1, 2, 3]) expect(new TorturedRun(seed).run(1000), `${seed}`).toEqual([]);
  });
  const isExcused = (what: string): boolean =>
    EXCUSED.some((pattern) => pattern.test(what)) ||
    ELSEWHERE.some((prefix) => what.startsWith(prefix));
  expect(unreached.filter((what) => !isExcused(what))).toEqual([]);
}, 180_000);

test("a run is a function of its seed", () => {
  const first = new TorturedRun(3);
  const second = new TorturedRun(3);
  first.run(100);
  second.run(100);
  expect(first.events).toBeGreaterThan(0);
  expect(second.events).toBe(first.events);
});

test("the explorer reaches what needs a lock in the hands of another CPU", async () => {
  const search = { strategy: "bound", preemptions: 1, seconds: 60 } as const;
  const unreached = await unreachedBy(SHEAVES, () => {
    const { failure } = explore({ ...scenarioOf(sheavesNolockElsewhere), search });
    expect(failure?.message).toBeUndefined();
  });
  const wanted = ELSEWHERE.filter((prefix) => unreached.some((what) => what.startsWith(prefix)));
  expect(wanted).toEqual([]);
}, 120_000);
