/** The figures of docs/hotplug.md. */
import { test } from "vitest";
import { either, expectTwoEndings, tortured } from "../stress/deaths.ts";

test("when one of 100 threads is killed at a random moment the others go on, or learn which CPU is dead", async () =>
  console.log(await expectTwoEndings(100, either)));

test("when one of 34 threads is killed under torture, debugging or hotplug the others go on, or learn which CPU is dead", async () =>
  console.log(await expectTwoEndings(34, tortured)));
