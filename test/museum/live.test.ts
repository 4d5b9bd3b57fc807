import { expect, test } from "vitest";
import { exhibit } from "../../src/museum/bugs/index.ts";
import { liveReport } from "../../src/report/museum.ts";
import { runsLive } from "../../stress/live.ts";

const R07 = exhibit("R07");
const R30 = exhibit("R30");
if (R07 === undefined || R30 === undefined) throw new RangeError("the museum lacks an exhibit");

test("the report of an exhibit that failed on threads tells class, time and operations", () => {
  const live = { class: "lost-object", message: "lost", seconds: 1.25, operations: 4321 } as const;
  const row = liveReport([{ exhibit: R07, live }], 100).split("\n")[1];
  expect(row).toMatch(/R07 +double-allocation +[a-z-]+ +\d+\.\d\d +[\d,]+/);
});

test("the report names an exhibit that did not fail by chance", () => {
  const live = { class: null, message: null, seconds: 2, operations: 9 };
  const report = liveReport([{ exhibit: R07, live }], 2);
  expect(report).toContain("not met by chance in 2 s, only by searching: R07");
});

test("an exhibit runs on threads only if it is a mutation of an allocator without a base", () => {
  expect([runsLive(R07), runsLive(R30)]).toEqual([true, false]);
});
