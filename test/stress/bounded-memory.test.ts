import { expect, test } from "vitest";
import { boot, threadOf } from "../../src/kernel/kernel.ts";
import { BoundedMemory } from "../../stress/bounded-memory.ts";

test("the main thread gives up work that walks in circles, and says so", () => {
  const kernel = boot({ cpus: 1, memory: 2 ** 24 }, { memoryClass: BoundedMemory });
  const memory = threadOf(kernel) as BoundedMemory;
  const walk = (accesses: number) => {
    for (let i = 0; i < accesses; i++) memory.readOnce(4096);
  };
  memory.beginWork();
  walk(2 ** 21);
  memory.beginWork(0);
  expect(() => walk(2 ** 21)).toThrow(
    "the main thread, which audits the machine, made no progress",
  );
});
