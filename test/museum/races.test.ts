import { describe, expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { type Change, onSlub } from "../../src/kernel/classes.ts";
import { scenarioOf } from "../../src/laboratory/scenario.ts";
import type { IrqFlags } from "../../src/machine/memory.ts";
import { scenarios } from "../../src/museum/scenarios.ts";
import { KmemCacheNode, type KmemCacheNodePtr } from "../../src/slub/structs.ts";

const all = [...scenarios.values()].filter(({ name }) => !name.endsWith("unchecked"));

function racesOf(name: string, change: Change, preemptions: number) {
  const scenario = scenarios.get(name);
  if (scenario === undefined) throw new RangeError(`no scenario ${name}`);
  const search = { strategy: "bound", preemptions, seconds: 60 } as const;
  return explore({ ...scenarioOf(scenario, change), search, dataRaces: true });
}

test.each(all.map(({ name }) => name))(
  "%s has no data race in any schedule of at most one preemption",
  (name) => {
    const { failure, complete } = racesOf(name, (classes) => classes, 1);
    expect(failure?.message).toBeUndefined();
    expect(complete?.preemptions).toBe(1);
  },
);

describe("a data race put into SLUB is reported with both accesses, stacks and values:", () => {
  test("nr_partial is written by a plain store, but read without the lock", () => {
    const { failure } = racesOf(
      "two-nodes",
      onSlub((classes) => ({
        NodePartial: class extends classes.NodePartial {
          override add(n: KmemCacheNodePtr, page: number, tail: boolean): void {
            const at = n + KmemCacheNode.nrPartial;
            super.add(n, page, tail);
            this.memory.write32(at, this.memory.read32(at));
          }
        },
      })),
      1,
    );
    expect(failure).toMatchObject({ class: "data-race" });
    expect(failure?.message).toContain("nrPartial");
    expectBothTold(failure?.race, "nrPartial");
  });

  test("the partial list is changed without list_lock", () => {
    const { failure } = racesOf(
      "remote-free-deactivate",
      onSlub((classes) => ({
        NodePartial: class extends classes.NodePartial {
          override lockIrqsave(): IrqFlags {
            return this.memory.irqSave();
          }
          override unlockIrqrestore(_: KmemCacheNodePtr, flags: IrqFlags): void {
            this.memory.irqRestore(flags);
          }
        },
      })),
      1,
    );
    expect(failure).toMatchObject({ class: "data-race" });
    expectBothTold(failure?.race, "lru.next");
  });
});

type Race = NonNullable<ReturnType<typeof racesOf>["failure"]>["race"];

/** Both accesses are to one word called `name`, by two contexts, and one is a write. */
function expectBothTold(race: Race, name: string): void {
  const [first, second] = race ?? [];
  expect(first?.context).not.toBe(second?.context);
  expect(first?.access?.address).toBe(second?.access?.address);
  expect(first?.access?.isWrite || second?.access?.isWrite).toBe(true);
  for (const access of [first?.access, second?.access]) {
    expect(access?.name).toContain(name);
    expect(access?.text).toMatch(/ (?:=|->) /);
    expect(access?.stack.some(({ file }) => file.startsWith("src/slub/"))).toBe(true);
  }
}
