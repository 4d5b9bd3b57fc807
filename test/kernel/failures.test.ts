/** The state that a task leaves behind when it fails in the middle of an operation. */

import { expect, test } from "vitest";
import { KmemCacheBase } from "../../src/caches/kmem-cache.ts";
import { attach, boot, type Kernel, systemOf, threadOf } from "../../src/kernel/kernel.ts";
import type { System } from "../../src/kernel/system.ts";
import { mutexLock } from "../../src/machine/mutex.ts";
import { failureOf } from "../check/systems.ts";

const MEMORY = 16 * 2 ** 20;

function isStopped({ memory, machine }: System): boolean {
  return memory.loadAcquire(machine.layout.panic) === 1;
}

test("after a deadlock is reported, every later call of every thread says so", () => {
  const one = boot({ cpus: 2, memory: MEMORY });
  const other = attach(one.shared);
  const { memory } = systemOf(other);
  const lock = systemOf(other).common.slabMutex;
  one.run(() => mutexLock(systemOf(one).memory, lock), 0);
  threadOf(other).waitLimit = 20;
  expect(() => other.run(() => mutexLock(memory, lock), 1)).toThrow("did not let go");
  expect(threadOf(other).onCpu).toBe(false);
  expect(isStopped(systemOf(other))).toBe(true);
  expect(threadOf(other).undisturbed()).toBe(false);
  expect(() => other.kmalloc(64)).toThrow("the machine has panicked");
  expect(() => one.kmalloc(64)).toThrow("the machine has panicked");
  expect(threadOf(other).onCpu).toBe(false);
});

test.each([
  ["with interrupts off", (kernel: Kernel) => systemOf(kernel).memory.irqDisable(), 1],
  ["that reads", (kernel: Kernel) => kernel.rcuReadLock(), 0],
  ["with no lock held", () => undefined, 0],
] as const)(
  "an error that leaves a section %s: is the machine stopped?",
  (_, prepare, panicked) => {
    const kernel = boot({ cpus: 1, memory: MEMORY });
    const fail = () => {
      prepare(kernel);
      throw new RangeError("not the allocator's fault");
    };
    expect(() => kernel.run(fail)).toThrow("not the allocator's fault");
    expect(isStopped(systemOf(kernel))).toBe(panicked === 1);
  },
);

test("an error ends the read-side section that it leaves, and the CPU is quiescent again", () => {
  const kernel = boot({ kernel: "4.1", cpus: 1, memory: MEMORY });
  const object = kernel.kmalloc(100);
  const fail = () => {
    kernel.rcuReadLock();
    kernel.rcuReadLock();
    kernel.kfreeRcu(object);
    throw new RangeError("not the allocator's fault");
  };
  expect(() => kernel.run(fail)).toThrow("not the allocator's fault");
  expect(kernel.kmalloc(100)).toBe(object);
});

test("a callback that fails stops the machine, and leaves its CPU to others", () => {
  const kernel = boot({ cpus: 1, memory: MEMORY });
  const other = attach(kernel.shared);
  const large = kernel.kmalloc(100_000);
  const freeTwice = () => {
    kernel.kfreeRcu(large);
    // Kernel.kfree would let the callback come first.
    systemOf(kernel).common.kfree(large);
  };
  expect(() => kernel.run(freeTwice)).toThrow(/is no object/);
  expect(isStopped(systemOf(kernel))).toBe(true);
  expect(threadOf(kernel).onCpu).toBe(false);
  expect(() => other.run(() => other.kmalloc(64))).toThrow("the machine has panicked");
  expect(() => other.rcuBarrier()).toThrow("the machine has panicked");
});

test("kfreeRcu refuses at once what kfree would refuse, and nothing changes", () => {
  const kernel = boot({ cpus: 2, memory: MEMORY });
  const large = kernel.kmalloc(100_000);
  const end = systemOf(kernel).machine.layout.end;
  kernel.run(() => {
    for (const wrong of [large + 4096, end - 4096, end + 4096, 4096, Number.NaN]) {
      expect(
        failureOf(() => kernel.kfreeRcu(wrong)),
        `${wrong}`,
      ).toBe("bad-access");
    }
  });
  kernel.kfreeRcu(large);
  kernel.rcuBarrier();
  expect(failureOf(() => kernel.kfreeRcu(large))).toBe("bad-access");
  expect(isStopped(systemOf(kernel))).toBe(false);
});

test("a list of caches that is a loop ends the call that walks it, and every later one", () => {
  const kernel = boot({ cpus: 2, memory: MEMORY });
  const other = attach(kernel.shared);
  const s = kernel.kmemCacheCreate("looped", 1000);
  const { memory } = systemOf(kernel);
  memory.write32(s + KmemCacheBase.list, s + KmemCacheBase.list);
  expect(() => kernel.usage()).toThrow("the list of caches is a loop");
  expect(() => other.usage()).toThrow("the machine has panicked");
});
