import { expect, test } from "vitest";
import { unreachedBy } from "./coverage.ts";
import { TorturedRun } from "./tortured-run.ts";

test("torture reaches each branch of the sheaves", async () => {
  const run = new TorturedRun(1);
  const unreached = await unreachedBy(/src\/slub\/sheaves\/[^/]*\.ts$/, () => {
    expect(run.run(Number(process.env.STEPS ?? 600))).toEqual([]);
  });
  console.log(unreached.join("\n"));
  expect(unreached).toEqual([]);
}, 120_000);
