import { describe, expect, test } from "vitest";
import { newMachine, observe } from "./machines.ts";
import { onWorkers } from "./threads.ts";

const rcu = new URL("./workers/rcu.ts", import.meta.url);
const FREED = 384;

/** A callback that notes when it ran, and heads to queue. */
function recorder(cpus: number) {
  const observer = observe(newMachine({ cpus }));
  const ran: number[] = [];
  const fn = observer.machine.functions.register((head) => ran.push(head - observer.scratch));
  return { ...observer, ran, fn };
}

describe("on one CPU", () => {
  test("a callback runs when the CPU is between operations, not before", () => {
    const { memory, machine, scratch, ran, fn } = recorder(1);
    memory.enterCpu(0);
    machine.rcu.call(scratch, fn);
    machine.rcu.call(scratch + 8, fn);
    expect(ran).toEqual([]);
    memory.poll();
    expect(ran).toEqual([0, 8]);
  });

  test("a callback that queues another has it run later", () => {
    const { memory, machine, scratch, ran, fn } = recorder(1);
    const again = machine.functions.register(() => machine.rcu.call(scratch + 16, fn));
    memory.enterCpu(0);
    machine.rcu.call(scratch, again);
    memory.poll();
    expect(ran).toEqual([]);
    memory.poll();
    expect(ran).toEqual([16]);
  });

  test("synchronizeRcu returns although another period is under way", () => {
    const { memory, machine, scratch, ran, fn } = recorder(1);
    memory.waitLimit = 200;
    memory.enterCpu(0);
    machine.rcu.call(scratch, fn);
    memory.poll();
    machine.rcu.synchronize();
    memory.poll();
    expect(ran).toEqual([0]);
  });

  test("synchronizeRcu returns although callbacks wait, and rcuBarrier runs them", () => {
    const { memory, machine, scratch, ran, fn } = recorder(1);
    memory.waitLimit = 200;
    memory.enterCpu(0);
    machine.rcu.call(scratch, fn);
    machine.rcu.synchronize();
    machine.rcu.barrier();
    expect(ran).toEqual([0]);
  });
});

test("a callback that fails stops the machine; its CPU is left, and the task serves again", () => {
  const { memory, machine, scratch, ran, fn } = recorder(1);
  const failing = machine.functions.register(() => {
    throw new RangeError("freed already");
  });
  memory.enterCpu(0);
  machine.rcu.call(scratch, failing);
  expect(() => memory.leaveCpu()).toThrow("freed already");
  expect(memory.onCpu).toBe(false);
  expect(memory.loadAcquire(machine.layout.panic)).toBe(1);
  memory.enterCpu(0, 0);
  machine.rcu.call(scratch, fn);
  memory.poll();
  expect(ran).toEqual([0]);
});

describe("with several CPUs, of which only one runs", () => {
  test("idle CPUs do not delay a grace period", () => {
    const { memory, machine, scratch, ran, fn } = recorder(4);
    memory.waitLimit = 200;
    memory.enterCpu(2);
    machine.rcu.call(scratch, fn);
    machine.rcu.synchronize();
    memory.poll();
    expect(ran).toEqual([0]);
  });

  test("a callback of a CPU that fell idle runs all the same", () => {
    const { memory, machine, scratch, ran, fn } = recorder(4);
    memory.enterCpu(1);
    machine.rcu.call(scratch, fn);
    memory.leaveCpu();
    expect(ran).toEqual([0]);
  });

  test("rcuBarrier runs what a CPU left behind when it fell idle", () => {
    const { memory, machine, scratch, ran, fn } = recorder(4);
    memory.waitLimit = 200;
    for (const cpu of [0, 1, 3]) {
      memory.enterCpu(cpu);
      machine.rcu.call(scratch + cpu * 8, fn);
      memory.leaveCpu();
    }
    memory.enterCpu(2);
    machine.rcu.barrier();
    expect(ran).toEqual([0, 8, 24]);
  });
});

describe("while another CPU is busy", () => {
  test("a callback waits until that CPU is between operations", () => {
    const { shared, memory, machine, scratch, ran, fn } = recorder(2);
    const other = observe(shared);
    other.machine.functions.register(() => undefined);
    memory.enterCpu(0);
    other.memory.enterCpu(1);
    machine.rcu.call(scratch, fn);
    for (let i = 0; i < 3; i++) memory.poll();
    expect(ran).toEqual([]);
    other.memory.poll();
    memory.poll();
    expect(ran).toEqual([0]);
  });

  test("a callback runs as well if that CPU falls idle instead", () => {
    const { shared, memory, machine, scratch, ran, fn } = recorder(2);
    const other = observe(shared);
    other.machine.functions.register(() => undefined);
    memory.enterCpu(0);
    other.memory.enterCpu(1);
    machine.rcu.call(scratch, fn);
    memory.poll();
    other.memory.leaveCpu();
    memory.poll();
    expect(ran).toEqual([0]);
  });

  test("callbacks of an idle CPU run when their grace period ends", () => {
    const { shared, memory, machine, scratch, ran, fn } = recorder(2);
    const other = observe(shared);
    const ranThere: number[] = [];
    other.machine.functions.register((head) => ranThere.push(head - scratch));
    memory.enterCpu(0);
    other.memory.enterCpu(1);
    machine.rcu.call(scratch, fn);
    memory.leaveCpu();
    expect([ran, ranThere]).toEqual([[], []]);
    other.memory.poll();
    expect([ran, ranThere]).toEqual([[], [0]]);
  });
});

describe("on real threads", () => {
  test("synchronizeRcu waits for every reader that is busy", async () => {
    const { shared } = observe(newMachine({ cpus: 2 }));
    const [rounds] = await onWorkers<number>(rcu, shared, [
      { job: "read" },
      { job: "replace", argument: 2_000 },
    ]);
    expect(rounds).toBeGreaterThan(0);
  });

  test("without it a reader sees its version retired: the check can fail", async () => {
    const { shared } = observe(newMachine({ cpus: 2 }));
    const jobs = [{ job: "read" }, { job: "replaceTooEarly" }];
    await expect(onWorkers(rcu, shared, jobs)).rejects.toThrow("was retired under a reader");
  });

  test("callbacks run in order and after the readers, and rcuBarrier leaves none", async () => {
    const { shared } = observe(newMachine({ cpus: 2 }));
    const [, retired] = await onWorkers(rcu, shared, [
      { job: "read" },
      { job: "replaceByCallbacks", argument: 3_000 },
    ]);
    expect(retired).toBe(3_000);
  });

  test("four tasks on two CPUs that queue, wait and leave lose no callback and never hang", async () => {
    const { shared, memory, scratch } = observe(newMachine({ cpus: 2, tasks: 5 }));
    const jobs = Array.from({ length: 4 }, () => ({ job: "queueAndWait", argument: 500 }));
    await onWorkers(rcu, shared, jobs);
    expect(memory.read32(scratch + FREED)).toBe(2_000);
  });
});
