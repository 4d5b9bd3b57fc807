import { expect, test } from "vitest";
import { expectSurvival, play } from "./toy-torture.ts";

/** `npm run test:soak` has more rounds. */
test.each([
  [1, 3],
  [2, 4],
])("the toy survives torture on %i CPUs shared by %i tasks", (cpus, tasks) =>
  expectSurvival(cpus, tasks, 15),
);

test("S01: where the swap leaves tid out, an object is handed out twice", async () => {
  const { failure } = await play("withoutTid", 1, 3, 1_000);
  // Whichever shows first: the second holder, or what its free did to the lists.
  const shapes = [
    "double-allocation",
    "double-free",
    "lost-object",
    "list-corruption",
    "wrong-slab",
  ];
  expect(shapes).toContain(failure);
});

test("R01: where tid stays when the CPU drops its slab, an object is lost", async () => {
  const { failure } = await play("keepsTid", 1, 3, 1_000);
  expect(failure).toBe("lost-object");
});
