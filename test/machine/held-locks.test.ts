import { expect, test } from "vitest";
import { bitSpinLock, bitSpinUnlock } from "../../src/machine/bit-spinlock.ts";
import { HotplugLock, holdOff, initHotplugLock, letGo } from "../../src/machine/hotplug-lock.ts";
import type { LockClass } from "../../src/machine/lock-classes.ts";
import {
  initSpinLock,
  SpinLock,
  spinLock,
  spinTrylock,
  spinUnlock,
} from "../../src/machine/spinlock.ts";
import { TorturedMemory } from "../../src/machine/tortured-memory.ts";
import { newMachine, observe } from "./machines.ts";

/** A task on CPU 0, and locks of the given classes. */
function withLocks(...classes: LockClass[]) {
  const { memory, machine } = observe<TorturedMemory>(newMachine({ cpus: 1 }), TorturedMemory);
  memory.enterCpu(0);
  const locks = classes.map((lockClass, i) => {
    const at = machine.statics.allocate(SpinLock, `lock ${i}`);
    initSpinLock(memory, at, lockClass);
    return at;
  });
  return { memory, machine, locks: locks as [number, number, number] };
}

const wrongOrder = expect.objectContaining({ failure: "lock-order" });
const notHeld = expect.objectContaining({ failure: "lock-not-held" });

test("locks of later classes are taken under a lock, those of earlier ones are refused", () => {
  const { memory, locks } = withLocks("slab_mutex", "list_lock", "zone->lock");
  for (const lock of locks) spinLock(memory, lock);
  for (const lock of locks) spinUnlock(memory, lock);
  spinLock(memory, locks[1]);
  expect(() => spinLock(memory, locks[0])).toThrow(wrongOrder);
});

test("a lock is checked against every held lock, not only the last one", () => {
  const { memory, locks } = withLocks("zone->lock", "slab_mutex", "list_lock");
  spinLock(memory, locks[0]);
  expect(spinTrylock(memory, locks[1])).toBe(true);
  expect(() => spinLock(memory, locks[2])).toThrow(/list_lock .* while zone->lock/);
});

test("a trylock may come in any order", () => {
  const { memory, locks } = withLocks("slab_mutex", "list_lock");
  spinLock(memory, locks[1]);
  expect(spinTrylock(memory, locks[0])).toBe(true);
});

test("a released lock no longer restricts the order", () => {
  const { memory, locks } = withLocks("slab_mutex", "list_lock");
  spinLock(memory, locks[1]);
  spinUnlock(memory, locks[1]);
  spinLock(memory, locks[0]);
});

test("locks without a class come in any order, and are known to be held", () => {
  const { memory, locks } = withLocks("zone->lock", "list_lock");
  memory.write32(locks[1] + SpinLock.contendedAndClass, 0);
  spinLock(memory, locks[0]);
  spinLock(memory, locks[1]);
  memory.assertLockHeld(locks[1]);
});

test("slab_lock, a bit of a word, has its place between list_lock and zone->lock", () => {
  const { memory, machine, locks } = withLocks("list_lock", "zone->lock");
  const at = machine.statics.words(1, "flags");
  spinLock(memory, locks[0]);
  bitSpinLock(memory, at, 1, "slab_lock");
  bitSpinUnlock(memory, at, 1);
  spinUnlock(memory, locks[0]);
  bitSpinLock(memory, at, 1, "slab_lock");
  spinLock(memory, locks[1]);
  spinUnlock(memory, locks[1]);
  expect(() => spinLock(memory, locks[0])).toThrow(/list_lock .* while slab_lock/);
});

test("a hotplug lock is held by its readers until they let go", () => {
  const { memory, machine, locks } = withLocks("slab_mutex");
  const hotplug = machine.statics.allocate(HotplugLock, "cpu_hotplug");
  initHotplugLock(memory, hotplug, "cpu_hotplug_lock");
  holdOff(memory, hotplug);
  memory.assertLockHeld(hotplug + HotplugLock.mutex);
  spinLock(memory, locks[0]);
  letGo(memory, hotplug);
  expect(() => holdOff(memory, hotplug)).toThrow(/cpu_hotplug_lock .* while slab_mutex/);
});

test("an interrupt takes its locks in an order of its own", () => {
  const { memory, locks } = withLocks("slab_mutex", "list_lock");
  memory.onInterrupt = () => {
    expect(() => memory.assertLockHeld(locks[1])).toThrow(notHeld);
    spinLock(memory, locks[0]);
    spinUnlock(memory, locks[0]);
  };
  spinLock(memory, locks[1]);
  memory.torture({ interrupts: 1, migrations: 0, delays: 0 }, 1);
  while (memory.injected.interrupts === 0) memory.read32(locks[0]);
  memory.disable();
  memory.assertLockHeld(locks[1]);
});

test("a call without the lock that it needs is refused, with the stack", () => {
  const { memory, locks } = withLocks("list_lock");
  expect(() => memory.assertLockHeld(locks[0])).toThrow(
    /list_lock \(0x\w+\) is needed here and not held\n {4}needed:\n.*held-locks\.test\.ts/,
  );
});

test("between lockdepOff and lockdepOn no order is wrong and no lock is missing", () => {
  const { memory, locks } = withLocks("slab_mutex", "list_lock");
  spinLock(memory, locks[1]);
  memory.lockdepOff();
  memory.assertLockHeld(locks[0]);
  spinLock(memory, locks[0]);
  spinUnlock(memory, locks[0]);
  memory.lockdepOn();
  expect(() => spinLock(memory, locks[0])).toThrow(wrongOrder);
});

test("a lock that the context holds already is a deadlock, which the wait reports", () => {
  const { memory, locks } = withLocks("list_lock");
  spinLock(memory, locks[0]);
  expect(() => spinLock(memory, locks[0])).toThrow(
    expect.objectContaining({ failure: "deadlock" }),
  );
});

test("an error that leaves the section leaves no lock behind for the next one", () => {
  const { memory, locks } = withLocks("slab_mutex", "list_lock");
  spinLock(memory, locks[1]);
  memory.oops();
  spinLock(memory, locks[0]);
});

test("in torture a wrong order is found however often the held lock was taken before", () => {
  const { memory, locks } = withLocks("slab_mutex", "list_lock");
  const whenTaken = (count: number): string => {
    for (let i = 0; i < count; i++) {
      spinLock(memory, locks[1]);
      spinUnlock(memory, locks[1]);
    }
    spinLock(memory, locks[1]);
    try {
      spinLock(memory, locks[0]);
    } catch (error) {
      memory.oops();
      spinUnlock(memory, locks[1]);
      return String(error);
    }
    return "no error";
  };
  expect(whenTaken(0)).toContain("held, taken:");
  const later = whenTaken(1000);
  expect(later).toContain("is wanted while list_lock");
  // Of so many takings not every stack is kept.
  expect(later).not.toContain("held, taken:");
  expect(whenTaken(1024 - 1002)).toContain("held, taken:");
});
