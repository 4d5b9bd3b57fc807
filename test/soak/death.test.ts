/** The figures of docs/hotplug.md. */
import { test } from "vitest";
import { either, expectTwoEndings, tortured } from "../stress/deaths.ts";

test("100 threads ended at random moments: the others go on, or are told who is dead", async () =>
  console.log(await expectTwoEndings(100, either)));

test("34 more under torture, where caches debug and while CPUs go and come", async () =>
  console.log(await expectTwoEndings(34, tortured)));
