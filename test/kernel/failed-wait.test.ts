/** A task whose wait fails has given its CPU up; letting go of it again must harm nobody. */
import { expect, test } from "vitest";
import { attach, boot } from "../../src/kernel/kernel.ts";
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
