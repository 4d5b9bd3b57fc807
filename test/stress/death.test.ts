import { test } from "vitest";
import { either, expectTwoEndings, tortured } from "./deaths.ts";

test("when a thread is killed at a random moment the others go on, or learn which CPU is dead", () =>
  expectTwoEndings(3, either));

test("when a thread is killed under torture, debugging or hotplug the others go on, or learn which CPU is dead", () =>
  expectTwoEndings(2, tortured));
