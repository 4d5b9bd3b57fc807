import { describe, expect, test } from "vitest";
import { TorturedMemory } from "../../src/machine/tortured-memory.ts";
import { newMachine, observe } from "./machines.ts";

function tortured(cpus: number) {
  return observe<TorturedMemory>(newMachine({ cpus }), TorturedMemory);
}

const ALWAYS = 1;
const only = (kind: "interrupts" | "migrations" | "delays") => ({
  interrupts: 0,
  migrations: 0,
  delays: 0,
  [kind]: ALWAYS,
});

describe("an interrupt", () => {
  test("runs inside an access, with interrupts off, and is not interrupted itself", () => {
    const { memory, scratch } = tortured(1);
    const seen: unknown[] = [];
    memory.onInterrupt = () => {
      seen.push(memory.irqsDisabled(), memory.smpProcessorId());
      for (let i = 0; i < 50; i++) memory.read32(scratch);
    };
    memory.enterCpu(0);
    memory.torture(only("interrupts"), 1);
    while (memory.injected.interrupts === 0) memory.read32(scratch);
    expect(seen).toEqual([true, 0]);
    expect(memory.irqsDisabled()).toBe(false);
  });

  test("comes before bytes are compared, too", () => {
    const { memory, scratch } = tortured(1);
    memory.onInterrupt = () => memory.fill(scratch, 1, 8);
    memory.enterCpu(0);
    memory.torture(only("interrupts"), 1);
    while (memory.injected.interrupts === 0) memory.findOther(scratch, 1, 8);
    expect(memory.findOther(scratch, 1, 8)).toBe(0);
  });

  test("never comes while interrupts are off or the task is on no CPU", () => {
    const { memory, scratch } = tortured(1);
    memory.torture(only("interrupts"), 1);
    for (let i = 0; i < 100; i++) memory.read32(scratch);
    memory.enterCpu(0);
    expect(memory.injected.interrupts).toBe(0);
    const flags = memory.irqSave();
    const before = memory.injected.interrupts;
    for (let i = 0; i < 100; i++) memory.read32(scratch);
    expect(memory.injected.interrupts).toBe(before);
    memory.irqRestore(flags);
    for (let i = 0; i < 100; i++) memory.read32(scratch);
    expect(memory.injected.interrupts).toBeGreaterThan(before);
  });

  test("comes before the CPU's area is added, so a swap on this CPU meets what it did", () => {
    const { memory, machine } = tortured(1);
    const offset = machine.percpu.define(8);
    memory.onInterrupt = () => memory.thisCpuAdd(offset, 1);
    memory.enterCpu(0);
    memory.torture(only("interrupts"), 1);
    for (let i = 0; i < 100; i++) memory.thisCpuRead(offset);
    const before = memory.injected.interrupts;
    const value = memory.thisCpuRead(offset);
    expect(value).toBe(memory.injected.interrupts);
    expect(value).toBeGreaterThanOrEqual(before);
    for (let i = 0; i < 100; i++) {
      const found = memory.thisCpuCmpxchg(offset, -1, 0);
      expect(found).toBe(memory.injected.interrupts);
    }
  });
});

describe("preemption", () => {
  test("moves the task to another CPU, which then is this CPU to it", () => {
    const { memory, machine, scratch } = tortured(2);
    const offset = machine.percpu.define(8);
    for (const cpu of [0, 1]) memory.write32(memory.perCpuPtr(offset, cpu), cpu + 10);
    memory.enterCpu(0);
    memory.torture(only("migrations"), 1);
    while (memory.injected.migrations === 0) memory.read32(scratch);
    memory.disable();
    expect(memory.thisCpuRead(offset)).toBe(memory.smpProcessorId() + 10);
  });

  test("never comes with preemption or interrupts off", () => {
    const { memory, scratch } = tortured(2);
    memory.enterCpu(0);
    memory.torture(only("migrations"), 1);
    memory.preemptDisable();
    const before = memory.injected.preemptions;
    const cpu = memory.smpProcessorId();
    for (let i = 0; i < 100; i++) memory.read32(scratch);
    memory.irqDisable();
    memory.preemptEnable();
    for (let i = 0; i < 100; i++) memory.read32(scratch);
    expect(memory.injected.preemptions).toBe(before);
    expect(memory.smpProcessorId()).toBe(cpu);
  });
});

describe("a window without an access", () => {
  const closing = {
    irqSave: (memory: TorturedMemory) => memory.irqRestore(memory.irqSave()),
    irqDisable: (memory: TorturedMemory) => {
      memory.irqDisable();
      memory.irqEnable();
    },
    smpProcessorId: (memory: TorturedMemory) => memory.smpProcessorId(),
    preemptDisable: (memory: TorturedMemory) => {
      memory.preemptDisable();
      memory.preemptEnable();
    },
  };

  test.each(Object.entries(closing))("is open to an interrupt before %s", (_name, close) => {
    const { memory } = tortured(1);
    memory.enterCpu(0);
    memory.torture(only("interrupts"), 1);
    for (let i = 0; i < 20; i++) close(memory);
    expect(memory.injected.interrupts).toBeGreaterThan(0);
  });

  test("is open to a preemption that waited for preemption to be on", () => {
    const { memory, scratch } = tortured(2);
    memory.enterCpu(0);
    memory.preemptDisable();
    memory.torture(only("migrations"), 1);
    for (let i = 0; i < 20; i++) memory.read32(scratch);
    expect(memory.injected.preemptions).toBe(0);
    memory.preemptEnable();
    expect(memory.injected.preemptions).toBe(1);
  });
});

test("a delay changes nothing but the time", () => {
  const { memory, scratch } = tortured(1);
  memory.enterCpu(0);
  memory.write32(scratch, 5);
  memory.torture(only("delays"), 1);
  while (memory.injected.delays < 3) expect(memory.read32(scratch)).toBe(5);
  expect(memory.injected).toMatchObject({ interrupts: 0, preemptions: 0, migrations: 0 });
});

test("nothing is injected after disable", () => {
  const { memory, scratch } = tortured(1);
  memory.enterCpu(0);
  memory.torture({ interrupts: 0.3, migrations: 0.3, delays: 0.3 }, 1);
  memory.disable();
  for (let i = 0; i < 1_000; i++) memory.add(scratch, 1);
  expect(memory.injected).toEqual({ interrupts: 0, preemptions: 0, migrations: 0, delays: 0 });
});

describe("bad-access is raised", () => {
  const badAccess = expect.objectContaining({ failure: "bad-access" });

  test("by any access to page 0 or outside of the memory", () => {
    const { memory, scratch } = tortured(1);
    const outside = memory.byteLength;
    for (const at of [0, 16, 4092, outside, outside + 4096, -4, Number.NaN]) {
      expect(() => memory.read32(at)).toThrow(badAccess);
      expect(() => memory.write32(at, 1)).toThrow(badAccess);
      expect(() => memory.read8(at)).toThrow(badAccess);
      expect(() => memory.write16(at, 1)).toThrow(badAccess);
      expect(() => memory.cmpxchg(at, 0, 1)).toThrow(badAccess);
      expect(() => memory.cmpxchgDouble(at, 0, 0, 1, 1)).toThrow(badAccess);
      expect(() => memory.fill(at, 0, 4)).toThrow(badAccess);
      expect(() => memory.copy(scratch, at, 4)).toThrow(badAccess);
      expect(() => memory.findOther(at, 0, 4)).toThrow(badAccess);
    }
    expect(() => memory.findOther(outside - 8, 0, 16)).toThrow(badAccess);
    expect(() => memory.fill(outside - 8, 0, 16)).toThrow(badAccess);
    expect(() => memory.copy(outside - 8, scratch, 16)).toThrow(badAccess);
  });

  test("but not by a racy read, which may find garbage", () => {
    const { memory } = tortured(1);
    expect(memory.readRacy(memory.byteLength)).toBe(0);
  });

  test("by a write into the area of a CPU that another task runs as", () => {
    const shared = newMachine({ cpus: 2 });
    const { memory, machine } = observe<TorturedMemory>(shared, TorturedMemory);
    const other = observe(shared);
    memory.enterCpu(0);
    const foreign = memory.perCpuPtr(machine.percpu.define(8), 1);
    memory.write32(foreign, 1);
    other.memory.enterCpu(1);
    expect(() => memory.write32(foreign, 2)).toThrow("CPU 0 writes");
    expect(() => memory.writeOnce(foreign, 2)).toThrow(badAccess);
    expect(memory.readOnce(foreign)).toBe(1);
    other.memory.leaveCpu();
    memory.write32(foreign, 3);
  });
});
