import { expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { parseScenario } from "../../src/laboratory/parse.ts";
import { printScenario } from "../../src/laboratory/print.ts";
import { scenarioOf } from "../../src/laboratory/scenario.ts";
import { kfreeRcuReader } from "../../src/laboratory/scenarios/rcu-readers.ts";

const explored = (text: string) =>
  explore({
    ...scenarioOf(parseScenario("test.txt", text)),
    search: { strategy: "bound", preemptions: 1, seconds: 30 },
  });

/** Lines of a scenario file: the machine, and what two tasks do. */
interface Lines {
  readonly machine?: string;
  readonly setup?: string;
  readonly a: string;
  readonly b?: string;
}

function textOf({ machine = "cpus 2", setup = "alloc a 4", a, b = "alloc y; free y" }: Lines) {
  const lines = (text: string): string =>
    text
      .split("|")
      .map((line) => `  ${line}\n`)
      .join("");
  return (
    `scenario verbs\nmachine ${machine}\n` +
    `setup cpu 0\n${lines(setup)}task A cpu 0\n${lines(a)}task B cpu 1\n${lines(b)}`
  );
}

const CASES: readonly [string, Lines][] = [
  ["kmalloc and krealloc", { a: "kmalloc k 64|krealloc k l 200|free l" }],
  ["an allocation of zeroed memory", { a: "free a.0|alloc z zero" }],
  ["an allocation from one node", { machine: "cpus 2 nodes 2", a: "alloc z node 1 thisnode" }],
  ["pages", { a: "pages p 3 order 1|free-pages p", b: "pages q 4|free-pages q" }],
  ["objects handed over", { a: "hand a.0-1", b: "take x|take y|free x" }],
  ["kfree-rcu under a reader", { a: "kfree-rcu a.0|rcu-barrier", b: "rcu-look a.0" }],
  ["synchronize-rcu", { a: "synchronize-rcu", b: "rcu-look a.1" }],
  ["a cache that is made and destroyed", { a: "create c 256|destroy c" }],
  ["an alias", { machine: "cpus 2 merges", a: "create c 1024|destroy c" }],
  ["a page allocation that fails", { a: "fail-page 1|alloc x", b: "alloc y 5" }],
  [
    "pages that fail twice, and an allocation that must not",
    { a: "fail-page 1 2|free a.0|alloc x must" },
  ],
  [
    "policies and cpusets",
    { machine: "cpus 2 nodes 2", a: "mempolicy weighted-interleave 0 1|alloc x 2", b: "mems A 1" },
  ],
  ["reserves", { setup: "alloc a 4|min-free 65536", a: "alloc x memalloc", b: "alloc y ordinary" }],
  ["an object allocation that fails", { a: "fail-slab 2|alloc x 3" }],
  ["a CPU that goes and comes", { machine: "cpus 3", a: "cpu-offline 2|cpu-online 2" }],
  ["a node that goes and comes", { machine: "cpus 2 nodes 2", a: "node-offline 1|node-online 1" }],
  ["an order written", { machine: "cpus 2 max_order 1", a: "write order 1|alloc x 4" }],
  [
    "a group's cache in the making while the group is killed",
    {
      machine: "cpus 2 kernel 4.1",
      setup: "group g 8|enter g|alloc a|leave|free a",
      a: "enter g; alloc x; leave|free x",
      b: "work|kill g|work",
    },
  ],
  [
    "a group that is killed beside KASAN and KFENCE",
    {
      machine: "cpus 2 kernel 6.1 kasan kfence 2",
      setup: "group g 8|enter g|alloc a 3|leave",
      a: "free a.0",
      b: "free a.1|kill g",
    },
  ],
  [
    "a group below another, at its limit",
    {
      machine: "cpus 2 kernel 6.1",
      setup: "group g 1|group h 8 below g|alloc a 4|free a.0-1",
      a: "enter h; alloc x 3; leave",
      b: "kill h|free a.2",
    },
  ],
  [
    "scans of kmemleak, beside a free",
    {
      machine: "cpus 2 allocator slab\ncache size 32",
      setup: "alloc a 3|point a.0 a.1|not-leak a.0",
      a: "leak-scan",
      b: "free a.1|alloc y",
    },
  ],
  ["bulk frees of SLUB", { a: "bulk-free a.0-1", b: "bulk-alloc y 3" }],
  [
    "damage that is survived",
    {
      machine: "cpus 2 survives_reports\ncache flags SLAB_RED_ZONE,SLAB_CONSISTENCY_CHECKS",
      a: "poke a.0 1024 7|free a.0|poke a.1 1024 7|free a.1",
    },
  ],
];

test.each(CASES)("scenarios know %s", (_, lines) => {
  const scenario = parseScenario("test.txt", textOf(lines));
  const printed = printScenario(scenario);
  expect(printScenario(parseScenario("again.txt", printed))).toBe(printed);
  const { failure, complete } = explored(textOf(lines));
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(1);
});

test.each([
  ["write cpu_partail 0", '"cpu_partail": not a file of this cache; known: '],
  ["write cpu_partial many", '"many": cpu_partial refuses it (EINVAL)'],
  ["write objects 3", '"objects": cannot be written'],
  ["write order 1", '"1": order refuses it (EINVAL)'],
])("%s is an error with its line and word", (step, why) => {
  expect(() => parseScenario("test.txt", textOf({ a: step }))).toThrow(`test.txt:6: ${why}`);
});

test.each([
  ["kasan", "free a.0; poke a.0 40 1", "KASAN: use-after-free"],
  ["kasan", "poke a.0 1024 1", "KASAN: slab-out-of-bounds"],
  ["kfence 1", "free a.0; poke a.0 40 1", "KFENCE: use-after-free write"],
  ["kfence 1", "poke a.0 4096 1; poke a.1 4096 1", "KFENCE: out-of-bounds write"],
])("with %s the access of %s is a failure", (checker, step, message) => {
  const machine = `cpus 2 kernel 6.1 ${checker}`;
  const text = textOf({ machine, setup: "alloc a 2", a: step });
  const { failure } = explored(text);
  expect(failure?.message).toContain(message);
  expect(failure?.class).toBe(step.startsWith("free") ? "use-after-free" : "redzone");
});

test.each([
  ["cpus 2 allocator slab kernel 4.1 kasan", "SLAB of Linux 4.1 has no KASAN"],
  ["cpus 2 kernel 4.1 kfence 1", "Linux 4.1 has no KFENCE"],
])("a machine with %s is refused", (machine, why) => {
  expect(() => explored(textOf({ machine, a: "flush" }))).toThrow(why);
});

test("damage ends the run where reports are not survived", () => {
  const { failure } = explored(
    textOf({
      machine: "cpus 2\ncache flags SLAB_RED_ZONE,SLAB_CONSISTENCY_CHECKS",
      a: "poke a.0 1024 7|free a.0",
    }),
  );
  expect(failure?.class).toBe("redzone");
});

test("an object that is freed at once under a reader is seen by rcu-look", () => {
  const { failure } = explored(
    textOf({ setup: "alloc a 4|free a.1-3", a: "free a.0; shrink", b: "rcu-look a.0" }),
  );
  expect(failure?.class).toBe("use-after-free");
});

test("a reader that comes after kfree-rcu does not find the object", () => {
  const search = { strategy: "bound", preemptions: 2, seconds: 60 } as const;
  const { failure, complete } = explore({ ...scenarioOf(kfreeRcuReader), search });
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(2);
});
