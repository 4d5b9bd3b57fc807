import { test } from "vitest";
import { expectReported } from "../slub/corruptions.ts";

test.each([1, 2, 3, 4])("25,000 random corruptions (seed %i) are reported and repaired", (seed) =>
  expectReported(25_000, seed),
);
