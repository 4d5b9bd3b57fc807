import { expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { type Change, onSlab } from "../../src/kernel/classes.ts";
import { parseScenario, ScenarioError } from "../../src/laboratory/parse.ts";
import { printScenario } from "../../src/laboratory/print.ts";
import { type SlabScenario, scenarioOf } from "../../src/laboratory/scenario.ts";
import { slabCpuOffline } from "../../src/laboratory/scenarios/slab-cpu-offline.ts";
import type { IrqFlags } from "../../src/machine/memory.ts";
import { exhibit } from "../../src/museum/bugs/index.ts";
import { scenarios } from "../../src/museum/scenarios.ts";
import { scenarioOfSubject } from "../../src/museum/subject.ts";
import { NodeLists } from "../../src/slab/node-lists.ts";
import type { KmemCacheNodePtr } from "../../src/slab/structs.ts";
import { LONG_RACES } from "./long-races.ts";

const all = [...scenarios.values()].filter(({ name }) => !name.endsWith("unchecked"));

// races.test.ts runs the others, and looks for data races as well.
const long = all.filter(({ name }) => LONG_RACES.includes(name));

test.each(long.map((scenario) => [scenario.name, scenario] as const))(
  "%s passes with every schedule of at most one preemption",
  (_, scenario) => {
    const search = { strategy: "bound", preemptions: 1, seconds: 60 } as const;
    const { failure, complete } = explore({ ...scenarioOf(scenario), search });
    expect(failure?.message).toBeUndefined();
    expect(complete?.preemptions).toBe(1);
  },
);

test("a scenario with a context on a CPU that goes offline is refused", () => {
  const text = FILE.replace("  flush", "  cpu-offline 1");
  expect(() => scenarioOf(parseScenario("mine.txt", text))).toThrow(
    "scenario mine: B may be on CPU 1, which goes offline",
  );
});

const isText = ({ setup, contexts }: SlabScenario): boolean =>
  [
    ...setup.map(({ step }) => step),
    ...contexts.flatMap(({ operations }) => operations.flat()),
  ].every(({ verb }) => verb !== "call");

test.each(all.filter(isText).map((scenario) => [scenario.name, scenario] as const))(
  "%s, printed as a file, is read as the same scenario",
  (_, scenario) => {
    const text = printScenario(scenario);
    expect(printScenario(parseScenario("again.txt", text))).toBe(text);
    expect(parseScenario("again.txt", text).contexts).toEqual(scenario.contexts);
  },
);

const FILE = `
# CPU 1 frees into the slab that CPU 0 gives up
scenario mine
machine cpus 2
cache size 1024 min_partial 0
setup cpu 0
  alloc a 8
  free a.1-3
task A cpu 0
  flush
task B cpu 1
  free a.0
`;

test("a scenario file that was read can be explored", () => {
  const scenario = parseScenario("mine.txt", FILE);
  expect(scenario).toMatchObject({ name: "mine", machine: { cpus: 2, size: 1024, minPartial: 0 } });
  const { complete } = explore({
    ...scenarioOf(scenario),
    search: { preemptions: 1, schedules: 5000 },
  });
  expect(complete?.preemptions).toBe(1);
});

test.each([
  ["  flush", "  flsh", 'mine.txt:10: "flsh": unknown word'],
  ["task B cpu 1", "task B cpu 2", 'mine.txt:11: "2": a CPU must be a whole number from 0 to 1'],
  ["alloc a 8", "alloc a many", 'mine.txt:7: "many": nothing more is expected here'],
  ["free a.1-3", "free a..3", 'mine.txt:8: "a..3": not an object'],
  ["free a.1-3", "free a.3-1", 'mine.txt:8: "a.3-1": not an object'],
  ["free a.1-3", "free", 'mine.txt:8: "free": an object is missing after it'],
  ["cpus 2", "cpu 2", 'mine.txt:4: "cpu": not a setting of the machine'],
  ["scenario mine", "flush", 'mine.txt:3: "flush": steps come after'],
  ["free a.1-3", "free b", 'mine.txt:8: "b": no object of that name is allocated before'],
  ["free a.0", "free a.8", 'mine.txt:12: "a.8": a is 8 objects, a.0 to a.7'],
  ["  alloc a 8\n", "", 'mine.txt:7: "a.1-3": no object of that name'],
  ["  flush\n", "  free y\n  alloc y\n", 'mine.txt:10: "y": no object of that name'],
  ["size 1024", "flags SLAB_MINE", 'mine.txt:5: "SLAB_MINE": unknown flag'],
])("a scenario file with %s written as %s is refused: %s", (right, wrong, why) => {
  const read = (): unknown => parseScenario("mine.txt", FILE.replace(right, wrong));
  expect(read).toThrow(ScenarioError);
  expect(read).toThrow(why);
});

test("only the task that has allocated an object may free it by name", () => {
  const own = FILE.replace("  flush", "  alloc y 2; free y.1\n  free y.0");
  expect(parseScenario("mine.txt", own).contexts[0]?.operations).toHaveLength(2);
  const others = own.replace("free a.0", "free y.0");
  expect(() => parseScenario("mine.txt", others)).toThrow('mine.txt:13: "y.0": no object');
});

test.each([
  ["a step that SLAB lacks", "keeps-none", { allocator: "slab" }, 'slab has no "keep-none"'],
  ["a step that SLUB lacks", "slab-shared-drain", { allocator: "slub" }, 'slub has no "tune"'],
  ["what went with 5.9", "keeps-none", { kernel: "6.1" }, 'slub of Linux 6.1 has no "keep-none"'],
  ["what went with 7.0", "cpu-slabs", { kernel: "7.1" }, 'slub of Linux 7.1 has no "flush-cpu"'],
] as const)("a scenario that needs %s is refused", async (_, scenario, on, why) => {
  await expect(scenarioOfSubject({ scenario, ...on })).rejects.toThrow(why);
});

test.each([{ era: "seed" }, { allocator: "slab" }, { kernel: "6.1" }] as const)(
  "an exhibit named without a mutation refuses %o",
  async (other) => {
    const [what = ""] = Object.keys(other);
    await expect(scenarioOfSubject({ scenario: "R04", ...other })).rejects.toThrow(
      `exhibit R04 has its own ${what}`,
    );
    const mutated = scenarioOfSubject({ scenario: "R04", mutation: "R04", era: "seed" });
    await expect(mutated).resolves.toMatchObject({ name: exhibit("R04")?.scenario.name });
  },
);

test("SLAB that empties the array of an offline CPU without list_lock is caught", () => {
  class Unlocked extends NodeLists {
    override lockIrqsave(): IrqFlags {
      // The use after free is to be seen, not the missing lock.
      this.context.memory.lockdepOff();
      return this.context.memory.irqSave();
    }
    override unlockIrqrestore(_: KmemCacheNodePtr, flags: IrqFlags): void {
      this.context.memory.lockdepOn();
      this.context.memory.irqRestore(flags);
    }
  }
  const change: Change = onSlab((form) => ({
    Allocator: class extends form.Allocator {
      override readonly hotplug = new form.Hotplug({ ...this, lists: new Unlocked(this) });
    },
  }));
  const search = { strategy: "bound", preemptions: 1, seconds: 60 } as const;
  const { failure } = explore({ ...scenarioOf(slabCpuOffline, change), search });
  expect(failure).toMatchObject({ class: "use-after-free", preemptions: 1 });
});
