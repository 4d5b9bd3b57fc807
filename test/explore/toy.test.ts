import { expect, test } from "vitest";
import { KeepsTid, ToySlub, TrustsTid, WithoutTid } from "../../examples/toy-slub.ts";
import {
  allocAgainstInterrupt,
  freeAgainstAlloc,
  migratingFree,
  twoCpus,
} from "../../examples/toy-world.ts";
import { explore } from "../../src/explore/explore.ts";

const bound = (preemptions: number) =>
  ({ strategy: "bound", preemptions, schedules: 200_000 }) as const;

test("a swap without tid hands an object out twice, with one preemption", () => {
  const { failure, complete } = explore({ ...allocAgainstInterrupt(WithoutTid), search: bound(2) });
  expect(failure).toMatchObject({ class: "double-allocation", preemptions: 1 });
  expect(complete?.preemptions).toBe(0);
});

test("a cpu slab dropped without a new tid loses an object, with two preemptions", () => {
  const { failure, complete } = explore({ ...freeAgainstAlloc(KeepsTid), search: bound(2) });
  expect(failure).toMatchObject({ class: "lost-object", preemptions: 2 });
  expect(complete?.preemptions).toBe(1);
});

test("a tid of one CPU and a pointer of another put an object on the wrong slab, with two migrations", () => {
  const { failure, complete } = explore({ ...migratingFree(TrustsTid), search: bound(2) });
  expect(failure).toMatchObject({ class: "wrong-slab", preemptions: 2 });
  expect(complete?.preemptions).toBe(1);
});

test.each([allocAgainstInterrupt, freeAgainstAlloc, migratingFree, twoCpus])(
  "the unmutated toy passes %o with up to two preemptions",
  (scenario) => {
    const { failure, complete } = explore({ ...scenario(ToySlub), search: bound(2) });
    expect(failure).toBeUndefined();
    expect(complete?.preemptions).toBe(2);
  },
);
