import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MIN_MEMORY_BYTES } from "../../src/machine/machine.ts";
import { newMachine, observe } from "./machines.ts";

describe("alloc_percpu", () => {
  test("gives the same offset in each CPU's area, zeroed, on a line of its own", () => {
    const { memory, machine } = observe(newMachine({ cpus: 3 }));
    const first = machine.percpu.alloc(8);
    const second = machine.percpu.alloc(100);
    expect(first % 64).toBe(0);
    expect(second - first).toBe(64);
    for (const cpu of [0, 1, 2]) memory.write32(memory.perCpuPtr(second, cpu), cpu + 1);
    memory.enterCpu(1);
    expect(memory.thisCpuPtr(second)).toBe(memory.perCpuPtr(second, 1));
    expect(memory.thisCpuRead(second)).toBe(2);
    machine.percpu.free(second);
    expect(machine.percpu.alloc(128)).toBe(second);
    expect(memory.thisCpuRead(second)).toBe(0);
  });

  test("returns 0 when there is no room, and 0 may be freed", () => {
    const { machine } = observe(newMachine());
    const most = machine.layout.percpuStride - 64;
    expect(machine.percpu.alloc(most + 1)).toBe(0);
    const all = machine.percpu.alloc(most);
    expect(all).not.toBe(0);
    expect(machine.percpu.alloc(1)).toBe(0);
    machine.percpu.free(0);
    machine.percpu.free(all);
    expect(machine.percpu.alloc(most)).toBe(all);
  });

  test("leaves alone what was defined while the threads built their objects", () => {
    const shared = newMachine();
    const one = observe(shared);
    const other = observe(shared);
    const defined = one.machine.percpu.define(65);
    expect(other.machine.percpu.define(65)).toBe(defined);
    expect(one.machine.percpu.alloc(4)).toBe(defined + 128);
    expect(() => one.machine.percpu.define(1 << 20)).toThrow("no per-CPU room left");
  });

  test("this_cpu swaps change words of this CPU alone, and only as they are expected to be", () => {
    const { memory, machine } = observe(newMachine({ cpus: 2 }));
    const at = machine.percpu.alloc(8);
    const words = (cpu: number) => [0, 4].map((n) => memory.read32(memory.perCpuPtr(at, cpu) + n));
    memory.enterCpu(1);
    expect(memory.thisCpuCmpxchg(at, 0, 5)).toBe(0);
    expect(memory.thisCpuCmpxchg(at, 0, 6)).toBe(5);
    expect(words(1)).toEqual([5, 0]);
    expect(memory.thisCpuCmpxchgDouble(at, 5, 1, 7, 8)).toBe(false);
    expect(memory.thisCpuCmpxchgDouble(at, 4, 0, 7, 8)).toBe(false);
    expect(words(1)).toEqual([5, 0]);
    expect(memory.thisCpuCmpxchgDouble(at, 5, 0, -3, 8)).toBe(true);
    expect([words(0), words(1)]).toEqual([
      [0, 0],
      [-3, 8],
    ]);
  });

  test("never gives out what is in use", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 600 }), { maxLength: 80 }), (sizes) => {
        const { machine } = observe(newMachine({ cpus: 1 }));
        const held: { from: number; to: number }[] = [];
        for (const size of sizes) {
          if (size % 3 === 0 && held.length > 0) {
            const [freed] = held.splice(size % held.length, 1);
            machine.percpu.free(freed?.from ?? 0);
            continue;
          }
          const from = machine.percpu.alloc(size + 1);
          const to = from + size + 1;
          expect(held.filter((other) => from < other.to && other.from < to)).toEqual([]);
          held.push({ from, to });
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("a machine", () => {
  test("is the same for each thread: the same things lie in the same places", () => {
    const shared = newMachine({ cpus: 4, nodes: 2 });
    const lists = [observe(shared), observe(shared)].map(({ machine }) => machine.statics.list());
    expect(lists[0]).toEqual(lists[1]);
    expect(lists[0]?.length).toBeGreaterThan(0);
  });

  test("has room for so many tasks, and a task that retires makes room", () => {
    const shared = newMachine({ cpus: 1, tasks: 1 });
    const one = observe(shared);
    expect(() => observe(shared)).toThrow("all 1 tasks of this machine are taken");
    one.memory.retire();
    expect(observe(shared).memory.current()).toBe(one.memory.current());
  });

  test("deals its CPUs out to the nodes in equal blocks", () => {
    const { topology } = observe(newMachine({ cpus: 4, nodes: 2, memory: 8 << 20 })).machine;
    expect([0, 1, 2, 3].map((cpu) => topology.cpuToNode(cpu))).toEqual([0, 0, 1, 1]);
    expect(topology.cpusOfNode(1)).toEqual([2, 3]);
    expect(topology.byDistance(1)).toEqual([1, 0]);
    expect([topology.distance(0, 0), topology.distance(0, 1)]).toEqual([10, 20]);
  });

  test.each([
    [{ cpus: 0 }, "cpus must be a whole number from 1 to 64"],
    [{ cpus: 65 }, "cpus must be a whole number from 1 to 64"],
    [{ cpus: 2, nodes: 3 }, "nodes must be a whole number from 1 to 2"],
    [{ cpus: 16, nodes: 9 }, "nodes must be a whole number from 1 to 8"],
    [{ cpus: 2, tasks: 1 }, "tasks must be a whole number from 2 to 128"],
    [{ memory: MIN_MEMORY_BYTES }, "memory must be a whole number from"],
    [{ memory: 2 ** 31 }, "memory must be a whole number from"],
    [{ memory: 2 ** 30, checker: 2 ** 30 }, "memory and checkers together"],
  ])("of %o is refused with the reason", (options, reason) => {
    expect(() => newMachine(options)).toThrow(reason);
  });
});
