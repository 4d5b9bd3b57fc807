/** What chance decides, the cycle counter and random numbers, is a choice of the search. */
import { expect, test } from "vitest";
import type { ContextSpec } from "../../src/explore/context.ts";
import { explore } from "../../src/explore/explore.ts";
import type { Strategy } from "../../src/explore/portfolio.ts";
import { replay } from "../../src/explore/replay.ts";
import { task, type Words, words } from "./words.ts";

type Contexts = readonly ContextSpec<Words, undefined>[];

const world = (): Words => {
  const made = words(2);
  made.memory.decideByChoice({ cycles: true, random: true });
  return made;
};

/** As the allocator asks for it: after a look at the ratio. */
const isLate = (memory: Words["memory"], ratio: number): boolean =>
  memory.readOnce(ratio) === 0 && (memory.getCycles() >>> 0) % 1024 > 1000;

const twice = (cpu: number) =>
  task(cpu, "decide twice", (memory, at) => {
    const first = isLate(memory, at(8)) ? 1 : 0;
    memory.writeOnce(at(0), memory.readOnce(at(0)) + 1);
    const second = isLate(memory, at(8)) ? 2 : 0;
    memory.writeOnce(at(1 + cpu), first + second);
  });

/** The second words of each end that a search sees. */
function endsOf(contexts: Contexts, strategy: Strategy, preemptions: number): Set<string> {
  const ends = new Set<string>();
  const atEnd = ({ memory, at }: Words): void => {
    ends.add([1, 2].map((word) => memory.read32(at(word))).join());
  };
  const search = { strategy, preemptions, seed: 1, schedules: 3000 };
  const result = explore({ name: "chance", world, contexts, check: { atEnd }, search });
  expect(result.failure).toBeUndefined();
  return ends;
}

test("both ways are explored, without a preemption, each time anew", () => {
  expect(endsOf([twice(0)], "bound", 0)).toEqual(new Set(["0,0", "1,0", "2,0", "3,0"]));
});

test("the ways of two contexts are independent of each other, by every strategy", () => {
  for (const strategy of ["bound", "all", "walk", "pos"] as const) {
    expect(endsOf([twice(0), twice(1)], strategy, 0).size, strategy).toBe(16);
  }
});

test("a random number is that of the fixed sequence, or the next", () => {
  const drawn = new Set<number>();
  const draws = task(0, "draw", (memory, at) => {
    memory.readOnce(at(8));
    drawn.add(memory.random() >>> 0);
  });
  endsOf([draws], "bound", 0);
  const [one = 0, other = 0] = [...drawn].sort((a, b) => a - b);
  expect([drawn.size, other - one]).toEqual([2, 1]);
});

test("a failure that needs the other way is replayed by its token", () => {
  const contexts = [twice(0), twice(1)];
  const check = {
    atEnd: ({ memory, at }: Words): void => {
      if (memory.read32(at(2)) === 3) throw new Error("both late");
    },
  };
  const given = { name: "late", world, contexts, check };
  const { failure } = explore({ ...given, search: { strategy: "bound", preemptions: 0 } });
  expect(failure).toMatchObject({ message: "Error: both late", preemptions: 0 });
  const token = failure?.token ?? "";
  // CPU 1, the other way.
  expect(token).toContain("1@65x");
  expect(replay(given, token).failure?.message).toBe("Error: both late");
  expect(() => replay(given, token.replace(/1@65x\d+/, "1@65x1"))).toThrow(/no longer fits/);
});

test("without a choice the counter stands still", () => {
  const seen = new Set<number>();
  const looks = task(0, "look", (memory, at) => {
    memory.readOnce(at(8));
    seen.add(memory.getCycles());
  });
  explore({
    ...{ name: "still", world: () => words(2), contexts: [looks] },
    search: { strategy: "bound", preemptions: 1 },
  });
  expect(seen).toEqual(new Set([0]));
});
