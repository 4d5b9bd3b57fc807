import { test } from "vitest";
import { either, expectTwoEndings, tortured } from "./deaths.ts";

test("where a thread is ended at a random moment the others go on, or are told who is dead", () =>
  expectTwoEndings(3, either));

test("the same under torture, where caches debug and while CPUs go and come", () =>
  expectTwoEndings(2, tortured));
