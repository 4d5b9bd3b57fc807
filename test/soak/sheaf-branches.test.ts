/** Runs of one thread under torture, in a process of their own: V8 counts no branches of what ran before. */
import { expect, test } from "vitest";
import { unreachedBy } from "../sheaves-torture/coverage.ts";
import { TorturedRun } from "../sheaves-torture/tortured-run.ts";

const SHEAVES = /src\/slub\/sheaves\/[^/]*\.ts$/;

/** What one thread under torture need not reach, and why. */
const EXCUSED: readonly RegExp[] = [
  // Misuse and broken machines: other tests raise these.
  /throw new |panic\(|wrongCache|whyStrange/,
  // A slab whose objects fail their checks.
  /takeChecked|freeToPartialList/,
  // A lock of the barn or of a list in the hands of another CPU, of which none runs here: test/sheaves-torture/elsewhere.test.ts.
  /barn\.ts replaceFull: return "EBUSY"|irqRestore\(flags\); return undefined/,
  /allocateFromNewSlab: \?\? 0|takeFromNew: /,
  // The lock was free a moment ago, and only an interrupt can come in between, which drops it before it
  // ends: a second try fails in a kernel with PREEMPT_RT alone.
  /main-sheaf\.ts (installFull|installEmpty): \{ (this\.putFull|barns\.putEmpty).*return 0/,
  /main-sheaf\.ts replaceFull: return 0|main-sheaf\.ts replaceFullOnce: : 0|flush\.ts main: return flushed/,
  /rcu-sheaves\.ts lockWithSheaf/,
  // Nodes have memory, and a barn, from the start; the machine's per-CPU areas do not run out.
  /return this\.giveUp\(pcs\)|ensureRoom: return false|ensureObjects: return false/,
  /bootstrapKmallocSheaves: continue|openCpus: return false|openSheaves: return false/,
  /withSurplus: |getFromPartialNode: return 0|slow-allocation\.ts allocate: (&& \(gfp|return 0|: gfp)/,
  // A batch of 32 objects of the other node.
  /bulk\.ts takeRemote: /,
  // Sizes of sheaves beyond the kmalloc caches.
  /sheaf\.ts kzalloc/,
  // The audit looks at frees that were put off only while some are.
  /deferred-frees\.ts of: /,
  // Memory refused at one moment of few.
  /prefill\.ts (prefill|prefillOversize|fillOversize|refill|takeSheaf|giveBack): /,
  // Chances of a race that few steps show: at least one stale look, a slab that empties meanwhile.
  /barn\.ts (replaceFull: \? "ENOMEM"|getFullOrEmpty|replaceEmpty|getEmpty)/,
  /refill\.ts (giveBack|isolate)|slow-allocation\.ts pop: continue|rcuFreeSheaf: else/,
];

test("torture reaches each branch of the sheaves that a failure leads to", async () => {
  const unreached = await unreachedBy(SHEAVES, () => {
    for (const seed of [1, 2, 3]) expect(new TorturedRun(seed).run(1000), `${seed}`).toEqual([]);
  });
  const isExcused = (what: string): boolean => EXCUSED.some((pattern) => pattern.test(what));
  expect(unreached.filter((what) => !isExcused(what))).toEqual([]);
}, 180_000);
