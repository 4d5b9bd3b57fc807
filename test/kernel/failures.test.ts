/** What a task leaves behind that fails in the middle of something. */
import { expect, test } from "vitest";
import { attach, boot } from "../../src/kernel/kernel.ts";
import type { Memory } from "../../src/machine/memory.ts";
import { mutexLock } from "../../src/machine/mutex.ts";

const MEMORY = 16 * 2 ** 20;

test("after a deadlock was told, everybody else learns of it, and calls take a CPU again", () => {
  const one = boot({ cpus: 2, memory: MEMORY });
  const other = attach(one.shared);
  const { memory, layout } = other.machine;
  const lock = other.common.slabMutex;
  one.run(() => mutexLock(one.memory, lock), 0);
  other.thread.waitLimit = 20;
  expect(() => other.run(() => mutexLock(memory, lock), 1)).toThrow("did not let go");
  expect(other.thread.onCpu).toBe(false);
  expect(memory.loadAcquire(layout.panic)).toBe(1);
  expect(other.thread.undisturbed()).toBe(false);
  expect(other.kmalloc(64)).toBeGreaterThan(0);
  expect(other.thread.onCpu).toBe(false);
});

test.each([
  ["with interrupts off", (memory: Memory) => memory.irqDisable(), 1],
  ["with preemption disabled", (memory: Memory) => memory.preemptDisable(), 1],
  ["with no lock held", () => undefined, 0],
] as const)(
  "an error that leaves a section %s: is the machine stopped?",
  (_, prepare, panicked) => {
    const kernel = boot({ cpus: 1, memory: MEMORY });
    const { memory, layout } = kernel.machine;
    const fail = () => {
      prepare(memory);
      throw new RangeError("not the allocator's fault");
    };
    expect(() => kernel.run(fail)).toThrow("not the allocator's fault");
    expect(memory.loadAcquire(layout.panic)).toBe(panicked);
  },
);
