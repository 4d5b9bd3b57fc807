import { describe, expect, test } from "vitest";
import { CPU_ABSENT, Cpu, sizeOfCpu, sizeOfTask, TASK_DEAD, Task } from "../../src/machine/cpus.ts";
import { DirectMemory } from "../../src/machine/direct-memory.ts";
import { spinLock } from "../../src/machine/spinlock.ts";
import { newMachine, type Observer, observe } from "./machines.ts";
import { onWorkers } from "./threads.ts";

const leases = new URL("./workers/leases.ts", import.meta.url);
const CALLS = 768;

function cpuWord({ machine }: Observer, cpu: number, field: number): number {
  return machine.layout.cpuBase + cpu * sizeOfCpu + field;
}

describe("leases", () => {
  test("a task is the CPU whose lease it holds, and no other task is", () => {
    const shared = newMachine();
    const one = observe(shared);
    const other = observe(shared);
    one.memory.enterCpu(1);
    expect(one.memory.smpProcessorId()).toBe(1);
    other.memory.enterCpu(-1);
    expect(other.memory.smpProcessorId()).toBe(0);
    other.memory.leaveCpu();
    expect(() => other.memory.enterCpu(1, 10)).toThrow("found no CPU in 10 ms");
    one.memory.leaveCpu();
    other.memory.enterCpu(1);
    expect(other.memory.smpProcessorId()).toBe(1);
  });

  test("six tasks share two CPUs: never two on one, and every task gets its turn", async () => {
    const { shared } = observe(newMachine({ cpus: 2, tasks: 7 }));
    const jobs = Array.from({ length: 6 }, () => ({ job: "shareCpus", argument: 2_000 }));
    expect(await onWorkers(leases, shared, jobs)).toEqual(Array(6).fill(2_000));
  });

  test("a CPU is handed over to a task that waits for it", async () => {
    const { shared } = observe(newMachine({ cpus: 1, tasks: 3 }));
    const jobs = [{ job: "occupy" }, { job: "wantOccupied" }];
    expect(await onWorkers(leases, shared, jobs)).toEqual(["came back", "had it"]);
  });

  test("no task becomes an absent CPU until it is online again", () => {
    const observer = observe(newMachine({ cpus: 2 }));
    const { memory } = observer;
    const online = cpuWord(observer, 1, Cpu.online);
    memory.write32(online, 0);
    expect(() => memory.enterCpu(1, 10)).toThrow("found no CPU in 10 ms");
    memory.enterCpu(-1);
    expect(memory.smpProcessorId()).toBe(0);
    memory.leaveCpu();
    memory.write32(online, 1);
    memory.enterCpu(1);
    expect(memory.smpProcessorId()).toBe(1);
  });

  test("a waiter for a lock of a dead task is told the holder", async () => {
    const { shared, memory, machine, scratch } = observe(newMachine());
    const [dead] = await onWorkers<number>(leases, shared, [{ job: "dieHolding" }]);
    memory.write32(machine.layout.taskBase + (dead ?? 0) * sizeOfTask + Task.state, TASK_DEAD);
    memory.enterCpu(0);
    expect(() => spinLock(memory, scratch)).toThrow(`deadlock: held by dead CPU 1 (task ${dead})`);
  });

  test("after a panic every wait ends", () => {
    const shared = newMachine();
    const one = observe(shared);
    const other = observe(shared);
    spinLock(one.memory, one.scratch);
    one.memory.panic();
    expect(() => spinLock(other.memory, other.scratch)).toThrow("the machine has panicked");
  });

  test("a wait that takes too long names the holder", () => {
    const shared = newMachine();
    const one = observe(shared);
    const other = observe(shared);
    one.memory.enterCpu(1);
    spinLock(one.memory, one.scratch);
    other.memory.waitLimit = 20;
    expect(() => spinLock(other.memory, other.scratch)).toThrow(
      `deadlock: CPU 1 (task ${one.memory.current()}) did not let go`,
    );
  });
});

/** A task whose every look at a CPU something may come before, and the CPUs it has served as. */
class Watched extends DirectMemory {
  before: ((cpu: number) => void)[] = [];
  readonly served: number[] = [];

  watch(): void {
    const { leases } = this;
    const isOnline = leases.isOnline.bind(leases);
    leases.isOnline = (cpu) => {
      this.before.shift()?.(cpu);
      return isOnline(cpu);
    };
    this.onQuiescent = () => this.served.push(this.smpProcessorId());
  }
}

describe("a transient lease holder serves requests that arrived meanwhile", () => {
  test("when it waited and got another CPU", () => {
    const shared = newMachine({ cpus: 2, tasks: 3 });
    const [one, other] = [observe(shared), observe(shared)];
    const { memory } = observe<Watched>(shared, Watched);
    one.memory.enterCpu(0);
    other.memory.enterCpu(1);
    memory.watch();
    const nothing = () => undefined;
    memory.before = [
      nothing,
      // CPU 0 was just seen busy, and nobody waits yet.
      () => one.memory.leaveCpu(),
      nothing,
      () => {
        // The task has CPU 0, and its wish still stands: it is granted CPU 1 as well.
        other.memory.leaveCpu();
        one.memory.kick(1);
      },
    ];
    memory.enterCpu(-1);
    expect(memory.before).toEqual([]);
    expect(memory.smpProcessorId()).toBe(0);
    expect(memory.served).toEqual([1]);
    expect(memory.loadAcquire(cpuWord(one, 1, Cpu.poll))).toBe(0);
    expect(memory.loadAcquire(cpuWord(one, 1, Cpu.lease))).toBe(0);
  });

  test("when the CPU went offline while it took the lease", () => {
    const shared = newMachine({ cpus: 2, tasks: 3 });
    const one = observe(shared);
    const { memory } = observe<Watched>(shared, Watched);
    memory.enterCpu(1);
    memory.leaveCpu();
    memory.watch();
    memory.before = [
      () => undefined,
      (cpu) => {
        one.memory.storeRelease(cpuWord(one, cpu, Cpu.online), CPU_ABSENT);
        one.memory.kick(cpu);
      },
    ];
    memory.enterCpu(-1);
    expect(memory.before).toEqual([]);
    expect(memory.smpProcessorId()).toBe(0);
    expect(memory.served).toEqual([1]);
    expect(memory.loadAcquire(cpuWord(one, 1, Cpu.poll))).toBe(0);
    expect(memory.loadAcquire(cpuWord(one, 1, Cpu.lease))).toBe(0);
  });
});

describe("inter-processor calls", () => {
  test("a busy CPU runs the call when it polls, and the caller waits for it", async () => {
    const { shared } = observe(newMachine({ cpus: 2 }));
    const jobs = [{ job: "pollUntilStopped" }, { job: "callThenStop", argument: 1_000 }];
    const [, done] = await onWorkers(leases, shared, jobs);
    expect(done).toBe(1_000);
  });

  test("a call to an idle CPU is run by the caller as that CPU, which becomes itself again", () => {
    const { memory, machine } = observe(newMachine({ cpus: 4 }));
    const ran: number[] = [];
    const fn = machine.functions.register((argument) => {
      ran.push(memory.smpProcessorId(), argument, memory.irqsDisabled() ? 1 : 0);
    });
    memory.enterCpu(0);
    machine.calls.callOn(3, fn, 7);
    expect(ran).toEqual([3, 7, 1]);
    expect([memory.smpProcessorId(), memory.irqsDisabled()]).toEqual([0, false]);
  });

  test("a call to this CPU is a plain call with interrupts off", () => {
    const { memory, machine } = observe(newMachine());
    const ran: boolean[] = [];
    const fn = machine.functions.register(() => ran.push(memory.irqsDisabled()));
    memory.enterCpu(1);
    machine.calls.callOn(1, fn, 0);
    expect([...ran, memory.irqsDisabled()]).toEqual([true, false]);
  });

  test("calls go to each CPU that fulfils a condition, in ascending order", () => {
    const { memory, machine } = observe(newMachine({ cpus: 4 }));
    const ran: number[] = [];
    const fn = machine.functions.register(() => ran.push(memory.smpProcessorId()));
    memory.enterCpu(2);
    machine.calls.callOnEach((cpu) => cpu !== 1, fn, 0);
    expect(ran).toEqual([0, 2, 3]);
  });

  test("kick_all_cpus_sync waits until a busy CPU has had interrupts on", () => {
    const { shared, memory, machine } = observe(newMachine({ cpus: 2 }));
    const other = observe(shared);
    const seen: number[] = [];
    memory.enterCpu(0);
    other.memory.enterCpu(1);
    memory.waitWhile = (at) => {
      seen.push(at);
      other.machine.softirq();
    };
    machine.calls.kickAllCpusSync();
    expect(seen).toHaveLength(1);
  });

  test("two CPUs that call each other all the time both get their answers", async () => {
    const { shared, memory, scratch } = observe(newMachine({ cpus: 2 }));
    const jobs = [
      { job: "callOthers", argument: 200 },
      { job: "callOthers", argument: 200 },
    ];
    await onWorkers(leases, shared, jobs);
    expect([0, 4].map((at) => memory.read32(scratch + CALLS + at))).toEqual([200, 200]);
  });

  test("a CPU that does not answer in time is named", async () => {
    const { shared } = observe(newMachine({ cpus: 2 }));
    const [, told] = await onWorkers(leases, shared, [{ job: "deaf" }, { job: "callTheDeaf" }]);
    expect(told).toMatch(/deadlock: CPU 0 \(task \d\) did not let go/);
  });

  test("with interrupts off another CPU cannot be called", () => {
    const { memory, machine } = observe(newMachine());
    memory.enterCpu(0);
    memory.irqDisable();
    expect(() => machine.calls.callOn(1, 1, 0)).toThrow("call to CPU 1 with interrupts off");
  });

  test("a function that this thread has not registered is an error, not a wild call", () => {
    const { memory, machine } = observe(newMachine());
    memory.enterCpu(0);
    expect(() => machine.calls.callOn(0, 99, 0)).toThrow("function 99 is not registered");
  });
});
