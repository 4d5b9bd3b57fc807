/**
 * How exactly a cpu partial list is counted. put_cpu_partial of Linux 4.1 reads the count of the list's
 * head and swaps the head in two steps. An interrupt in between may use up the head and its successor
 * and push the same head again: the swap succeeds, and the count that it publishes is stale. Since 5.15
 * interrupts are off around both steps (e0a043aa4145).
 */
import { describe, expect, test } from "vitest";
import type { KernelVersion } from "../../src/caches/kernel-version.ts";
import { audit } from "../../src/check/audit.ts";
import { explore } from "../../src/explore/explore.ts";
import { replay } from "../../src/explore/replay.ts";
import { systemOf } from "../../src/kernel/kernel.ts";
import type { Laboratory } from "../../src/laboratory/laboratory.ts";
import { scenarioOf } from "../../src/laboratory/scenario.ts";
import { pushInterrupt } from "../../src/laboratory/scenarios/push-interrupt.ts";
import { KernelBug } from "../../src/machine/kernel-bug.ts";
import { Page } from "../../src/pages/page.ts";
import { KmemCache, KmemCacheCpu } from "../../src/slub/structs.ts";
import { cacheOfFour, give, OBJECTS, take, watched } from "./systems.ts";

const search = { strategy: "bound", preemptions: 2, seconds: 60 } as const;

const on = (kernel: KernelVersion) =>
  scenarioOf({ ...pushInterrupt, machine: { ...pushInterrupt.machine, kernel } });

/** The scenario under an audit that takes no notice of its interrupt, so that all counts must be exact. */
const countedExactlyOn = (kernel: KernelVersion) => ({
  ...on(kernel),
  check: {
    atEnd: ({ system, ledger }: Laboratory): void => {
      const [finding] = audit(system, { ledger });
      if (finding !== undefined) throw new KernelBug(finding.failure, finding.message);
    },
  },
});

describe("the count of a cpu partial list of SLUB", () => {
  test("drifts in 4.1 when an interrupt between the two steps pushes the same head again", () => {
    const { failure } = explore({ ...countedExactlyOn("4.1"), search });
    expect(failure).toMatchObject({ class: "counter-drift", preemptions: 1 });
    expect(failure?.message).toMatch(/the partial list of CPU 0 has 2 slabs .* but counts 3$/);
    // The push has read the head and its counts after 28 steps; the swap is still to come.
    expect(failure?.token).toMatch(/^v1:push-interrupt:\w+:0x28\.1x106\.0x3$/);
    const again = replay(countedExactlyOn("4.1"), failure?.token ?? "");
    expect(again.failure?.message).toBe(failure?.message);
  });

  test("is exact in 6.1 with every schedule of at most 2 preemptions", () => {
    const { failure, complete } = explore({ ...countedExactlyOn("6.1"), search });
    expect(failure?.message).toBeUndefined();
    expect(complete?.preemptions).toBe(2);
  });

  test.each(["4.1", "6.1"] as const)(
    "passes the audit of a scenario with interrupts in %s",
    (kernel) => {
      const { failure, complete } = explore({ ...on(kernel), search });
      expect(failure?.message).toBeUndefined();
      expect(complete?.preemptions).toBe(2);
    },
  );

  const one = (): number => 1;
  const more = (was: number): number => was + 1;
  test.each([
    ["exact in 4.1 without interrupts", "4.1", false, { head: more }, ["counter-drift"]],
    ["an estimate in 4.1 after interrupts", "4.1", true, { head: more }, []],
    ["at least 2 above another slab, in any case", "4.1", true, { head: one }, ["counter-drift"]],
    ["1 at the last slab, in any case", "4.1", true, { last: more }, ["counter-drift"]],
    ["exact in 6.1 after interrupts", "6.1", true, { head: more }, ["counter-drift"]],
  ] as const)("must be %s", (_what, kernel, interrupted, change, expected) => {
    const system = watched({ kernel });
    const { memory, ledger } = system;
    const s = cacheOfFour(system);
    const objects = take(system, s, 3 * OBJECTS);
    give(system, [objects[0] as number, objects[OBJECTS] as number]);
    const c = memory.perCpuPtr(memory.read32(s + KmemCache.cpuSlab), 0);
    const head = memory.read32(c + KmemCacheCpu.partial);
    const last = memory.read32(head + Page.next);
    expect([head, last].map((page) => memory.read32(page + Page.pages))).toEqual([2, 1]);
    for (const [place, to] of Object.entries(change)) {
      const at = (place === "head" ? head : last) + Page.pages;
      memory.write32(at, to(memory.read32(at)));
    }
    const findings = audit(systemOf(system.kernel), { ledger, interrupted });
    expect(findings.map(({ failure }) => failure)).toEqual(expected);
  });
});
