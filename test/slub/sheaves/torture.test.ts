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
  /main-sheaf\.ts (installFull|installEmpty): \{ (this\.putFull|barns\.putEmpty).*return 0/,
  /main-sheaf\.ts replaceFull: return 0|main-sheaf\.ts replaceFullOnce: : 0|flush\.ts main: return flushed/,
  /rcu-sheaves\.ts lockWithSheaf/,
  // A barn exists for each node of a machine whose CPUs are there from the start.
  /return this\.giveUp\(pcs\)|ensureRoom: return false|ensureObjects: return false/,
  // A batch of 32 objects of the other node.
  /bulk\.ts takeRemote: /,
  // Sizes of sheaves beyond the kmalloc caches.
  /sheaf\.ts kzalloc/,
  // The audit looks at frees that were put off only while some are.
  /deferred-frees\.ts of: /,
  // Memory refused at one moment of few.
  /prefill\.ts (prefill|prefillOversize|fillOversize|refill|takeSheaf): /,
  // Chances of a race that few steps show: at least one stale look, a slab that empties meanwhile.
  /barn\.ts (replaceFull: \? "ENOMEM"|getFullOrEmpty|replaceEmpty|getEmpty)|refill\.ts giveBack|rcuFreeSheaf: else/,
];

test("torture reaches each branch of the sheaves that a failure leads to", async () => {
  const run = new TorturedRun(1);
  const unreached = await unreachedBy(SHEAVES, () => expect(run.run(300)).toEqual([]));
  const isExcused = (what: string): boolean =>
    EXCUSED.some((pattern) => pattern.test(what)) ||
    ELSEWHERE.some((prefix) => what.startsWith(prefix));
  expect(unreached.filter((what) => !isExcused(what))).toEqual([]);
}, 180_000);

test("the explorer reaches what needs a lock in the hands of another CPU", async () => {
  const search = { strategy: "bound", preemptions: 1, seconds: 60 } as const;
  const unreached = await unreachedBy(SHEAVES, () => {
    const { failure } = explore({ ...scenarioOf(sheavesNolockElsewhere), search });
    expect(failure?.message).toBeUndefined();
  });
  const wanted = ELSEWHERE.filter((prefix) => unreached.some((what) => what.startsWith(prefix)));
  expect(wanted).toEqual([]);
}, 120_000);
