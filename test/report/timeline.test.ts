/** A schedule drawn: what is folded, which arrows there are, what the machine looks like at a step. */
import { beforeAll, describe, expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { explore as exploreWords, replay as replayWords } from "../../src/explore/index.ts";
import { type Replayed, replay } from "../../src/explore/replay.ts";
import type { TimelineEvent } from "../../src/explore/timeline.ts";
import { type Snapshot, snapshotOf } from "../../src/laboratory/snapshot.ts";
import { scenarioOfSubject } from "../../src/museum/subject.ts";
import { conflictsOf } from "../../src/report/timeline/conflicts.ts";
import { timelineHtml } from "../../src/report/timeline/html.ts";
import { drawMachine } from "../../src/report/timeline/machine.ts";
import { outlineOf } from "../../src/report/timeline/outline.ts";
import { timelinePage } from "../../src/report/timeline/page.ts";
import { timelineSvg } from "../../src/report/timeline/svg.ts";
import { wordsOf } from "../../src/report/timeline/words.ts";

let r01: Replayed;
let token = "";

beforeAll(async () => {
  const scenario = await scenarioOfSubject({ scenario: "R01" });
  const { failure } = explore({ ...scenario, search: { strategy: "bound", preemptions: 2 } });
  token = failure?.token ?? "";
  r01 = replay(scenario, token, { watch: snapshotOf });
});

const textAt = (at: number): string => r01.timeline[at]?.text ?? "";
const count = (text: string, what: RegExp): number => [...text.matchAll(what)].length;

/** An access of `context` to the word at `address`, in an operation that never ends. */
function access(context: number, address: number, isWritten: boolean): TimelineEvent {
  const words = [{ address, name: `word ${address}`, value: "1", isWritten }];
  return {
    ...{ step: 0, context, contextName: "", contextKind: "task", cpu: 0, operation: "" },
    what: "accesses",
    text: "",
    access: {
      ...{ kind: "cmpxchg", address, name: "", text: "", isWrite: true, words, stack: [] },
    },
  };
}

describe("arrows", () => {
  test("of R01: B takes page and list from under A, A pushes, B overwrites what A pushed", () => {
    const told = conflictsOf(r01.timeline).map(
      ({ from, to, kind }) => `${textAt(from)}; ${textAt(to)}: ${kind}`,
    );
    const pushed = "cpu 0: c->freelist pair => (151/0, 5@cpu0) stored";
    expect(told).toEqual([
      "cpu 0: c->page -> slab 151; cpu 0: c->page = 0: overwrites what was read",
      "cpu 0: c->freelist -> 0; cpu 0: c->freelist = 0: overwrites what was read",
      `cpu 0: c->freelist = 0; ${pushed}: overwrites a write`,
      `cpu 0: c->tid -> 4@cpu0; ${pushed}: overwrites what was read`,
      `${pushed}; cpu 0: c->freelist = 152/1: overwrites a write`,
      `${pushed}; cpu 0: c->tid -> 5@cpu0: reads what was written`,
    ]);
  });

  test("lead from each reader to the write that comes next, and from a write to its first reader", () => {
    const events = [
      access(0, 8, true),
      access(1, 8, false),
      access(1, 8, false),
      access(2, 8, false),
      access(0, 8, true),
    ];
    const pairs = conflictsOf(events).map(({ from, to, kind }) => [from, to, kind]);
    expect(pairs).toEqual([
      [0, 1, "reads what was written"],
      [0, 3, "reads what was written"],
      [2, 4, "overwrites what was read"],
      [3, 4, "overwrites what was read"],
    ]);
  });

  test("there are none between reads, on two words, in one context, or between operations that do not overlap", () => {
    expect(conflictsOf([access(0, 8, false), access(1, 8, false)])).toEqual([]);
    expect(conflictsOf([access(0, 8, true), access(1, 12, true)])).toEqual([]);
    expect(conflictsOf([access(0, 8, true), access(0, 8, true)])).toEqual([]);
    const mark = (context: number, what: "begins" | "ends"): TimelineEvent => {
      const { access: _access, ...event } = access(context, 0, false);
      return { ...event, what };
    };
    const [one, other] = [access(0, 8, true), access(1, 8, true)];
    const apart = [mark(0, "begins"), one, mark(0, "ends"), mark(1, "begins"), other];
    expect(conflictsOf(apart)).toEqual([]);
    expect(conflictsOf([mark(0, "begins"), mark(1, "begins"), one, other])).toHaveLength(1);
  });
});

describe("the outline", () => {
  const keys = (): Set<number> =>
    new Set(conflictsOf(r01.timeline).flatMap(({ from, to }) => [from, to]));
  const calls = (): string[] =>
    outlineOf(r01.timeline, keys()).flatMap((row) =>
      "call" in row ? [`${row.call.function} ${row.call.accesses.length}`] : [],
    );

  test("folds accesses into the functions that make them; short calls belong to their callers", () => {
    expect(calls().slice(0, 6)).toEqual([
      "System.kfree 3",
      "Ledger.give 3",
      "Slub.slabFreeChain 4",
      "Slub.slabFreeChain 2",
      "Slub.slabAllocNode 3",
      "Slub.slabAllocNode 2",
    ]);
    expect(calls()).toContain("SlowAllocation.getFreelist 4");
  });

  test("has each event once, in order, and those whose order matters as rows of their own", () => {
    const rows = outlineOf(r01.timeline, keys());
    const order = rows.flatMap((row) => ("at" in row ? [row.at] : row.call.accesses));
    expect(order).toEqual([...r01.timeline.keys()]);
    const alone = rows.flatMap((row) => ("at" in row ? [row.at] : []));
    for (const key of keys()) expect(alone).toContain(key);
  });
});

describe("the machine", () => {
  const stateAt = (at: number): Snapshot => r01.timeline.at(at)?.state as Snapshot;

  test("at the end of R01 object 0 of the first slab is nowhere, and the second slab's list is drawn", () => {
    const { svg } = drawMachine(stateAt(-1), undefined);
    expect(count(svg, /cell nowhere/g)).toBe(1);
    expect(count(svg, /cell free/g)).toBe(3);
    expect(count(svg, /class="arrow list"/g)).toBe(3);
    expect(count(svg, /class="arrow page"/g)).toBe(1);
  });

  test("what a step changes is marked; the same state drawn again has no marks", () => {
    const pushed = r01.timeline.findIndex(({ text }) => text.includes("(151/0, 5@cpu0) stored"));
    const { svg } = drawMachine(stateAt(pushed), stateAt(pushed - 1));
    expect(count(svg, /class="arrow list new"/g)).toBe(1);
    expect(count(svg, /class="fact new"[^>]*>tid 5</g)).toBe(1);
    expect(drawMachine(stateAt(pushed), stateAt(pushed)).svg).not.toContain(" new");
  });
});

describe("the component", () => {
  const telling = () => ({ title: "R01 <&>", story: ["A mistake."], token });

  test("has a column a context, though both run on one CPU, and the story and the verdict above", () => {
    const text = timelineHtml(telling(), r01);
    expect(
      [...text.matchAll(/<th scope="col" class="c\d">(.*?)<\/th>/g)].map(([, to]) => to),
    ).toEqual(["A <small>task, CPU 0</small>", "B <small>task, CPU 0</small>"]);
    expect(text).toContain('<p class="story">A mistake.</p>');
    expect(text).toContain("lost-object: ");
    expect(text).toContain("R01 &lt;&amp;>");
  });

  test("has a line of source where it is at hand, and the token", () => {
    const sourceLine = ({ line }: { line: number }): string => `const a = ${line} < 2;`;
    const text = timelineHtml({ ...telling(), sourceLine }, r01);
    expect(text).toMatch(/<code>const a = \d+ &lt; 2;<\/code>/);
    expect(text).toContain(`<code>${token}</code>`);
    expect(timelineHtml(telling(), r01)).not.toContain("const a");
  });

  test("nothing in its data ends the page's script, and the script is one function without imports", () => {
    const page = timelinePage({ ...telling(), story: ["</script><b>"] }, r01);
    expect(count(page, /<\/script>/g)).toBe(1);
    expect(page).toContain("(function stepThrough(root");
  });
});

test("the picture has the accesses whose order matters, six arrows, and what each turn leaves", () => {
  const svg = timelineSvg({ title: "R01" }, r01);
  for (const word of ["c->page = 0", "goes on", "slabFreeChain"]) {
    expect(svg).toContain(word);
  }
  expect(count(svg, /class="tip /g)).toBe(6);
  expect(count(svg, />after step \d+</g)).toBe(4);
  expect(svg).toContain("prefers-color-scheme: dark");
});

describe("memory words", () => {
  const program = {
    words: 2,
    names: { flag: 0, data: 1 },
    tasks: {
      one: (words: Int32Array) => {
        words[1] = 42;
        words[0] = 1;
      },
      other: (words: Int32Array) => (words[0] === 1 ? words[1] : -1),
    },
    check: (_: Int32Array, { other }: { other?: unknown }) => {
      if (other === 0) throw new Error("the flag came first");
    },
    memory: "pso",
  } as const;

  test("a store that waits is pending until all see it", () => {
    const { failure } = exploreWords(program);
    const { timeline } = replayWords(program, failure?.token ?? "");
    const { names, changes } = wordsOf(timeline);
    expect(names).toEqual(["data", "flag"]);
    const data = changes.flat().filter(({ word }) => word === 0);
    expect(data[0]).toEqual({ word: 0, value: "42", isPending: true });
  });

  test("the drain of a store is the write that the other task reads", () => {
    const { failure } = exploreWords(program);
    const { timeline } = replayWords(program, failure?.token ?? "");
    const arrows = conflictsOf(timeline).map(
      ({ from, to, kind }) => `${timeline[from]?.what} ${timeline[to]?.text}: ${kind}`,
    );
    expect(arrows).toEqual([
      "drains flag -> 1: reads what was written",
      "accesses data: overwrites what was read",
    ]);
  });

  test("a program over words has no slabs to draw, and its words", () => {
    const { failure } = exploreWords(program);
    const replayed = replayWords(program, failure?.token ?? "");
    const page = timelinePage({ title: "words", story: [], token: undefined }, replayed);
    expect(page).not.toContain('<svg class="machine" role');
    expect(page).toContain('<th scope="row">data</th>');
    expect(page).toContain("stores that become visible");
  });
});
