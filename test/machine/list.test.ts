import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  initListHead,
  listAdd,
  listAddTail,
  listDel,
  listEmpty,
  listMove,
  listNext,
  listPrevious,
  listSplice,
} from "../../src/machine/list.ts";
import { newMachine, observe } from "./machines.ts";

function lists() {
  const { memory, scratch } = observe(newMachine());
  const head = scratch;
  const other = scratch + 8;
  initListHead(memory, head);
  initListHead(memory, other);
  const entry = (n: number): number => scratch + 16 + n * 8;
  /** Entries from first to last, seen from both ends. */
  const entries = (of: number): number[] => {
    const forth: number[] = [];
    const back: number[] = [];
    for (let at = listNext(memory, of); at !== of; at = listNext(memory, at)) forth.push(at);
    for (let at = listPrevious(memory, of); at !== of; at = listPrevious(memory, at)) back.push(at);
    expect(back.toReversed()).toEqual(forth);
    return forth.map((at) => (at - entry(0)) / 8);
  };
  return { memory, head, other, entry, entries };
}

test("entries stand where they were put", () => {
  const { memory, head, entry, entries } = lists();
  expect(listEmpty(memory, head)).toBe(true);
  listAdd(memory, entry(1), head);
  listAdd(memory, entry(0), head);
  listAddTail(memory, entry(2), head);
  expect(entries(head)).toEqual([0, 1, 2]);
  listMove(memory, entry(2), head);
  expect(entries(head)).toEqual([2, 0, 1]);
  listDel(memory, entry(0));
  expect(entries(head)).toEqual([2, 1]);
});

test("a list is spliced in front of another and left empty", () => {
  const { memory, head, other, entry, entries } = lists();
  for (const n of [0, 1]) listAddTail(memory, entry(n), head);
  for (const n of [2, 3]) listAddTail(memory, entry(n), other);
  listSplice(memory, head, other);
  expect(entries(other)).toEqual([0, 1, 2, 3]);
  expect(entries(head)).toEqual([]);
  listSplice(memory, head, other);
  expect(entries(other)).toEqual([0, 1, 2, 3]);
});

describe("list-corruption is raised", () => {
  const corruption = expect.objectContaining({ failure: "list-corruption" });

  test("when an entry is taken out twice", () => {
    const { memory, head, entry } = lists();
    listAdd(memory, entry(0), head);
    listDel(memory, entry(0));
    expect(() => listDel(memory, entry(0))).toThrow(corruption);
  });

  test("when a neighbour no longer points to the entry", () => {
    const { memory, head, entry } = lists();
    for (const n of [0, 1, 2]) listAddTail(memory, entry(n), head);
    memory.write32(entry(0), entry(2));
    expect(() => listDel(memory, entry(1))).toThrow(corruption);
  });

  test("when an entry is put between two that are no neighbours", () => {
    const { memory, head, entry } = lists();
    listAdd(memory, entry(0), head);
    memory.write32(entry(0) + 4, entry(1));
    expect(() => listAdd(memory, entry(2), head)).toThrow(corruption);
  });
});

test("whatever is done to two lists, they hold what an array would", () => {
  const step = fc.record({
    act: fc.constantFrom("add", "addTail", "del", "move", "splice"),
    n: fc.integer({ min: 0, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { memory, head, other, entry, entries } = lists();
      let model: number[] = [];
      let second: number[] = [];
      for (const { act, n } of steps) {
        const listed = model.includes(n) || second.includes(n);
        if (act === "splice") {
          listSplice(memory, head, other);
          second = [...model, ...second];
          model = [];
        } else if (act === "add" && !listed) {
          listAdd(memory, entry(n), head);
          model = [n, ...model];
        } else if (act === "addTail" && !listed) {
          listAddTail(memory, entry(n), head);
          model = [...model, n];
        } else if (listed) {
          model = model.filter((x) => x !== n);
          second = second.filter((x) => x !== n);
          if (act === "move") {
            listMove(memory, entry(n), head);
            model = [n, ...model];
          } else {
            listDel(memory, entry(n));
          }
        }
        expect(entries(head)).toEqual(model);
        expect(entries(other)).toEqual(second);
      }
    }),
    { numRuns: 50 },
  );
});
