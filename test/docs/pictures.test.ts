/** Pictures of the documents that a command makes are the ones that it makes today. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { slablab } from "../cli/commands.ts";

test("docs/r01.svg is what slablab replay R01 --svg docs/r01.svg draws", async () => {
  const folder = await mkdtemp(join(tmpdir(), "slablab-"));
  const drawn = join(folder, "r01.svg");
  const { code, err } = await slablab(["replay", "R01", "--svg", drawn]);
  expect([code, err]).toEqual([1, ""]);
  const shown = new URL("../../docs/r01.svg", import.meta.url);
  expect(readFileSync(shown, "utf8")).toBe(readFileSync(drawn, "utf8"));
  await rm(folder, { recursive: true });
});
