/** In a process of its own: V8 counts no branches of what ran before. */
import { expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { scenarioOf } from "../../src/laboratory/scenario.ts";
import { sheavesNolockElsewhere } from "../../src/laboratory/scenarios/sheaves-interrupt.ts";
import { unreachedBy } from "./coverage.ts";

/** Where a lock is in the hands of another CPU. */
const ELSEWHERE = [
  'barn.ts replaceFull: return "EBUSY"',
  "barn.ts lock: memory.irqRestore(flags); return undefined",
  "node-lists.ts tryLockIrqsave: this.memory.irqRestore(flags); return undefined",
];

test("the explorer reaches what needs a lock in the hands of another CPU", async () => {
  const search = { strategy: "bound", preemptions: 1, seconds: 60 } as const;
  const unreached = await unreachedBy(/src\/slub\/sheaves\/[^/]*\.ts$/, () => {
    const { failure } = explore({ ...scenarioOf(sheavesNolockElsewhere), search });
    expect(failure?.message).toBeUndefined();
  });
  const wanted = ELSEWHERE.filter((prefix) => unreached.some((what) => what.startsWith(prefix)));
  expect(wanted).toEqual([]);
}, 120_000);
