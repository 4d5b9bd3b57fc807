/** The programs of docs/lifetimes.md run as they are printed. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runExample } from "./run-example.ts";

const page = readFileSync(new URL("../../docs/lifetimes.md", import.meta.url), "utf8");
const [detaching = "", burying = ""] = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, text]) => text as string,
);

test("a using declaration detaches, and a call of a detached kernel throws", async () => {
  const { stdout, stderr } = await runExample(detaching, "example.mts");
  expect([stdout, stderr]).toEqual(["KernelBug: this kernel was detached\n", ""]);
});

test("a parent buries a worker that it has ended, and has its CPU", async () => {
  const { stdout, stderr } = await runExample(burying, "example.mts");
  expect([stdout, stderr]).toEqual(["", ""]);
});
