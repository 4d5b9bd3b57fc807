import { describe, expect, test } from "vitest";
import { bitSpinLock, bitSpinUnlock } from "../../src/machine/bit-spinlock.ts";
import { mutexLock, mutexTrylock, mutexUnlock } from "../../src/machine/mutex.ts";
import {
  SpinLock,
  spinIsHeld,
  spinLock,
  spinLockIrqsave,
  spinTrylock,
  spinUnlock,
  spinUnlockIrqrestore,
} from "../../src/machine/spinlock.ts";
import { xorshift32 } from "../../src/machine/xorshift.ts";
import { ATOMICS_KINDS, newMachine, observe } from "./machines.ts";
import { onWorkers } from "./threads.ts";

const primitives = new URL("./workers/primitives.ts", import.meta.url);
const COUNTER = 256;

describe.each(ATOMICS_KINDS)("memory with %s", (atomics) => {
  const fresh = () => observe(newMachine({ atomics }));
  const two = (job: string, argument: number) => [
    { job, argument },
    { job, argument },
  ];

  test("reads what was written, in words, halves and bytes, little-endian and signed", () => {
    const { memory, scratch } = fresh();
    memory.write32(scratch, -2);
    expect(memory.read32(scratch)).toBe(-2);
    expect(memory.read16(scratch)).toBe(0xfffe);
    memory.write8(scratch + 3, 0x7f);
    expect(memory.read32(scratch)).toBe(0x7fff_fffe);
    memory.write16(scratch + 2, 1);
    expect(memory.read8(scratch + 2)).toBe(1);
    expect([memory.readOnce(scratch), memory.loadAcquire(scratch)]).toEqual([0x1fffe, 0x1fffe]);
    memory.writeOnce(scratch, 5);
    memory.storeRelease(scratch + 4, 6);
    expect([memory.read32(scratch), memory.read32(scratch + 4)]).toEqual([5, 6]);
  });

  test("fills, copies and finds the first other byte", () => {
    const { memory, scratch } = fresh();
    memory.fill(scratch, 0x6b, 16);
    memory.copy(scratch + 32, scratch, 16);
    expect(memory.read32(scratch + 44)).toBe(0x6b6b6b6b);
    expect(memory.findOther(scratch + 32, 0x6b, 16)).toBe(0);
    memory.write8(scratch + 39, 0x6c);
    expect(memory.findOther(scratch + 32, 0x6b, 16)).toBe(scratch + 39);
    expect(memory.findOther(scratch + 32, 0x6b, 7)).toBe(0);
  });

  test("a racy read outside of the memory finds 0", () => {
    const { memory } = fresh();
    expect(memory.readRacy(memory.byteLength + 4096)).toBe(0);
    expect(memory.readRacy(-8)).toBe(0);
  });

  test("cmpxchg returns what it found and stores only where that was expected", () => {
    const { memory, scratch } = fresh();
    expect(memory.cmpxchg(scratch, 0, -7)).toBe(0);
    expect(memory.cmpxchg(scratch, 0, 9)).toBe(-7);
    expect(memory.cmpxchg(scratch, -7, 9)).toBe(-7);
    expect(memory.read32(scratch)).toBe(9);
    expect(memory.xchg(scratch, -1)).toBe(9);
    expect(memory.add(scratch, 3)).toBe(-1);
    expect(memory.read32(scratch)).toBe(2);
  });

  test("cmpxchgDouble wants both halves right, whatever their signs", () => {
    const { memory, scratch } = fresh();
    memory.write32(scratch, -1);
    memory.write32(scratch + 4, 0x4000_0000 | 0);
    expect(memory.cmpxchgDouble(scratch, -1, 0, 1, 2)).toBe(false);
    expect(memory.cmpxchgDouble(scratch, 0, 0x4000_0000, 1, 2)).toBe(false);
    expect(memory.cmpxchgDouble(scratch, -1, 0x4000_0000, -3, -4)).toBe(true);
    expect([memory.read32(scratch), memory.read32(scratch + 4)]).toEqual([-3, -4]);
  });

  test("two threads: no add is lost", async () => {
    const { shared, memory, scratch } = fresh();
    await onWorkers(primitives, shared, two("add", 200_000));
    expect(memory.read32(scratch)).toBe(1_200_000);
  });

  test("two threads: no compare-and-swap is lost", async () => {
    const { shared, memory, scratch } = fresh();
    await onWorkers(primitives, shared, two("cmpxchg", 100_000));
    expect(memory.read32(scratch)).toBe(200_000);
  });

  test("two threads: a double swap never takes one half only", async () => {
    const { shared, memory, scratch } = fresh();
    memory.write32(scratch + 4, ~0);
    await onWorkers(primitives, shared, two("cmpxchgDouble", 100_000));
    expect(memory.read32(scratch)).toBe(200_000);
    expect(memory.read32(scratch + 4)).toBe(~200_000);
  });

  test("two threads: an exchanged value is neither lost nor doubled", async () => {
    const { shared, memory, scratch } = fresh();
    const sums = await onWorkers<number>(primitives, shared, two("xchg", 200_000));
    expect(sums.reduce((a, b) => (a + b) | 0)).toBe(memory.read32(scratch));
  });

  test.each(["spinlock", "spinTrylock", "bitSpinlock"])(
    "two threads under a %s lose no count",
    async (job) => {
      const { shared, memory, scratch } = fresh();
      await onWorkers(primitives, shared, two(job, 20_000));
      expect(memory.read32(scratch + COUNTER)).toBe(40_000);
      expect(memory.read32(scratch)).toBe(0);
    },
  );

  test("four tasks on two CPUs under a mutex lose no count", async () => {
    const { shared, memory, scratch } = fresh();
    const jobs = Array.from({ length: 4 }, () => ({ job: "mutex", argument: 5_000 }));
    await onWorkers(primitives, shared, jobs);
    expect(memory.read32(scratch + COUNTER)).toBe(20_000);
    expect(memory.read32(scratch + SpinLock.acquired)).toBe(20_000);
  });
});

test("the cycle counter goes on by itself, in 32 bits", () => {
  const { memory } = observe(newMachine());
  const readings = Array.from({ length: 1000 }, () => memory.getCycles());
  expect(new Set(readings).size).toBeGreaterThan(1);
  expect(readings.every((cycles) => cycles === (cycles | 0))).toBe(true);
});

test("random numbers are those of xorshift32, from the seed on", () => {
  // The first number of Marsaglia's generator from the state that his paper begins with.
  expect(xorshift32(2_463_534_242) >>> 0).toBe(723_471_715);
  const drawn = (seed: number): number[] => {
    const { memory } = observe(newMachine({ seed }));
    return [memory.random(), memory.random(), memory.random()];
  };
  expect(drawn(7)).toEqual(drawn(7));
  expect(drawn(7)).not.toEqual(drawn(8));
  expect(new Set(drawn(7)).size).toBe(3);
});

test("without a lock the same count loses some: the check can fail", async () => {
  const { shared, memory, scratch } = observe(newMachine());
  await onWorkers(primitives, shared, [
    { job: "withoutLock", argument: 100 },
    { job: "withoutLock", argument: 100 },
  ]);
  expect(memory.read32(scratch + COUNTER)).toBe(100);
});

describe("locks", () => {
  test("a spinlock knows its holder and counts how often it was taken", () => {
    const { memory, scratch } = observe(newMachine());
    expect(spinIsHeld(memory, scratch)).toBe(false);
    spinLock(memory, scratch);
    expect(spinIsHeld(memory, scratch)).toBe(true);
    expect(spinTrylock(memory, scratch)).toBe(false);
    spinUnlock(memory, scratch);
    expect(spinTrylock(memory, scratch)).toBe(true);
    expect(memory.read32(scratch + SpinLock.acquired)).toBe(2);
  });

  test("irqsave and irqrestore nest: interrupts come back on with the outermost", () => {
    const { memory, scratch } = observe(newMachine());
    const outer = spinLockIrqsave(memory, scratch);
    const inner = spinLockIrqsave(memory, scratch + 64);
    spinUnlockIrqrestore(memory, scratch + 64, inner);
    expect(memory.irqsDisabled()).toBe(true);
    spinUnlockIrqrestore(memory, scratch, outer);
    expect(memory.irqsDisabled()).toBe(false);
  });

  test("dropping a lock that another task holds is lock-not-held", () => {
    const shared = newMachine();
    const one = observe(shared);
    const other = observe(shared);
    spinLock(one.memory, one.scratch);
    expect(() => spinUnlock(other.memory, one.scratch)).toThrow(
      expect.objectContaining({ failure: "lock-not-held" }),
    );
  });

  test("taking a lock twice is a deadlock at once", () => {
    const { memory, scratch } = observe(newMachine());
    memory.enterCpu(1);
    spinLock(memory, scratch);
    expect(() => spinLock(memory, scratch)).toThrow("deadlock: CPU 1 waits for itself");
  });

  test("a mutex that is taken is not taken again by trying", () => {
    const { memory, scratch } = observe(newMachine());
    expect(mutexTrylock(memory, scratch)).toBe(true);
    expect(mutexTrylock(memory, scratch)).toBe(false);
    mutexUnlock(memory, scratch);
    expect(mutexTrylock(memory, scratch)).toBe(true);
  });

  test("a mutex with interrupts off is refused", () => {
    const { memory, scratch } = observe(newMachine());
    memory.irqDisable();
    expect(() => mutexLock(memory, scratch)).toThrow("sleeping function called from invalid");
  });

  test("a bit spinlock leaves the other bits alone and preemption off while it is held", () => {
    const { memory, scratch } = observe(newMachine());
    memory.write32(scratch, 0b1010);
    bitSpinLock(memory, scratch, 1, "slab_lock");
    expect(memory.read32(scratch)).toBe(0b1011);
    expect(memory.isReading).toBe(true);
    bitSpinUnlock(memory, scratch, 1);
    expect(memory.read32(scratch)).toBe(0b1010);
    expect(memory.isReading).toBe(false);
  });
});
