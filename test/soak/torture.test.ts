import { test } from "vitest";
import { WORKLOADS } from "../../stress/workloads/index.ts";
import { expectAllBack } from "../stress/torture.ts";

test.each([...WORKLOADS.keys()])(
  "a million operations of %s under torture pass all checks and give everything back",
  (workload) => expectAllBack(workload, 4, 1_000_000),
);
