import { test } from "vitest";
import { expectSurvival } from "../machine/toy-torture.ts";

test.each([
  [1, 3],
  [2, 4],
])("the toy survives long torture on %i CPUs shared by %i tasks", (cpus, tasks) =>
  expectSurvival(cpus, tasks, 1_000),
);
