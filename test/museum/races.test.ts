import { describe, expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { type Change, onSlub } from "../../src/kernel/classes.ts";
import { parseScenario } from "../../src/laboratory/parse.ts";
import { type SlabScenario, scenarioOf } from "../../src/laboratory/scenario.ts";
import type { Address, IrqFlags } from "../../src/machine/memory.ts";
import { scenarios } from "../../src/museum/scenarios.ts";
import type { ListEnd } from "../../src/slub/node-partial.ts";
import {
  KmemCacheCpu,
  type KmemCacheCpuPtr,
  KmemCacheNode,
  type KmemCacheNodePtr,
} from "../../src/slub/structs.ts";
import { LONG_RACES } from "./long-races.ts";

const all = [...scenarios.values()].filter(
  ({ name }) => !name.endsWith("unchecked") && !LONG_RACES.includes(name),
);

/** A flush of the CPU that task B has left in the middle of `step`. */
function flushBesideMigration(step: string): SlabScenario {
  const lines = ["machine cpus 2", "setup cpu 0", "  alloc a 5", "task A cpu 0", "  flush"];
  const text = ["scenario flush-beside", ...lines, "task B cpu 0 migrates", `  ${step}`].join("\n");
  return parseScenario("flush-beside.txt", text);
}

function racesOf(name: string, change: Change, preemptions: number) {
  const scenario = scenarios.get(name);
  if (scenario === undefined) throw new RangeError(`no scenario ${name}`);
  return racesIn(scenario, change, preemptions);
}

function racesIn(scenario: SlabScenario, change: Change, preemptions: number) {
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

test.each(["free a.0", "alloc x"])(
  "a flush beside a migrating task that does `%s` has no data race at one preemption",
  (step) => {
    const { failure, complete } = racesIn(flushBesideMigration(step), (classes) => classes, 1);
    expect(failure?.message).toBeUndefined();
    expect(complete?.preemptions).toBe(1);
  },
);

test("caches without sheaves share an empty one, which nobody writes", () => {
  const lines = ["cache flags SLAB_POISON", "task A cpu 0", "  bulk-alloc x0 2"];
  const more = ["task B cpu 1", "  bulk-alloc y0 2"];
  const text = ["scenario no-sheaves", "machine cpus 2 kernel 7.1", ...lines, ...more].join("\n");
  const { failure, complete } = racesIn(parseScenario("no-sheaves.txt", text), (c) => c, 0);
  expect(failure?.message).toBeUndefined();
  expect(complete?.preemptions).toBe(0);
});

describe("a data race put into SLUB is reported with both accesses, stacks and values:", () => {
  test("nr_partial is written by a plain store, but read without the lock", () => {
    const { failure } = racesOf(
      "two-nodes",
      onSlub((classes) => ({
        NodePartial: class extends classes.NodePartial {
          override add(n: KmemCacheNodePtr, page: number, end: ListEnd): void {
            const at = n + KmemCacheNode.nrPartial;
            super.add(n, page, end);
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

  test.each([
    [
      "tid",
      "free a.0",
      onSlub((classes) => ({
        CpuSlab: class extends classes.CpuSlab {
          protected override setTid(c: KmemCacheCpuPtr, tid: number): void {
            this.memory.write32(c + KmemCacheCpu.tid, tid);
          }
        },
      })),
    ],
    [
      "freelist",
      "alloc x",
      onSlub((classes) => ({
        CpuSlab: class extends classes.CpuSlab {
          protected override setFreelist(c: KmemCacheCpuPtr, freelist: Address): void {
            this.memory.write32(c + KmemCacheCpu.freelist, freelist);
          }
        },
      })),
    ],
  ])("c->%s written by an ordinary store beside a migrating `%s`", (name, step, change) => {
    const { failure } = racesIn(flushBesideMigration(step), change, 1);
    expect(failure).toMatchObject({ class: "data-race" });
    expectBothTold(failure?.race, name);
  });

  test("the partial list is changed without list_lock", () => {
    const { failure } = racesOf(
      "remote-free-deactivate",
      onSlub((classes) => ({
        NodePartial: class extends classes.NodePartial {
          override lockIrqsave(): IrqFlags {
            // The race is to be seen, not the missing lock.
            this.memory.lockdepOff();
            return this.memory.irqSave();
          }
          override unlockIrqrestore(_: KmemCacheNodePtr, flags: IrqFlags): void {
            this.memory.lockdepOn();
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
