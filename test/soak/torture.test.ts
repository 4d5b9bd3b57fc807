import { test } from "vitest";
import { WORKLOADS } from "../../stress/workloads/index.ts";
import { expectAllBack } from "../stress/torture.ts";

test.each([...WORKLOADS.keys()])(
  "a million operations of %s under torture leave nothing behind and nothing wrong",
  (workload) => expectAllBack(workload, 4, 1_000_000),
);
