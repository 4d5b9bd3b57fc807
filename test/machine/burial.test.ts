/** Tasks whose threads have ended without a word. */
import { expect, test, vi } from "vitest";
import { bury, leftBy } from "../../src/machine/burial.ts";
import {
  ANY_CPU,
  CallSlot,
  Cpu,
  dyingBy,
  POLL_ASKED,
  promiseOf,
  REFUSED,
  sizeOfCpu,
  sizeOfTask,
  TASK_DEAD,
  TASK_DYING,
  Task,
} from "../../src/machine/cpus.ts";
import type { DirectMemory } from "../../src/machine/direct-memory.ts";
import { spinLock } from "../../src/machine/spinlock.ts";
import { TaskTable } from "../../src/machine/task-table.ts";
import { Waits } from "../../src/machine/waits.ts";
import { newMachine, type Observer, observe } from "./machines.ts";

/** Two tasks on two CPUs, of which the second, on CPU 1, is about to die. */
function two(): { alive: Observer; dead: Observer; task: number } {
  const shared = newMachine({ cpus: 2 });
  const alive = observe(shared);
  const dead = observe(shared);
  alive.memory.waitLimit = 200;
  alive.memory.enterCpu(0);
  dead.memory.enterCpu(1);
  return { alive, dead, task: dead.memory.current() };
}

test("a CPU whose task died between two operations is free", () => {
  const { alive, task } = two();
  expect(bury(alive.machine, task)).toEqual([]);
  alive.memory.leaveCpu();
  alive.memory.enterCpu(1, 10);
  expect(alive.memory.smpProcessorId()).toBe(1);
});

test.each([
  ["with interrupts off", (memory: DirectMemory) => memory.irqDisable()],
  ["in the middle of a change", (memory: DirectMemory) => memory.beginChange()],
])("a CPU whose task died %s stays locked, and its callers are told", (_, begin) => {
  const { alive, dead, task } = two();
  begin(dead.memory);
  expect(bury(alive.machine, task)).toEqual([1]);
  const nothing = alive.machine.functions.register(() => undefined);
  expect(() => alive.machine.calls.callOn(1, nothing, 0)).toThrow(
    `deadlock: held by dead CPU 1 (task ${task})`,
  );
});

test("requests to a CPU whose task died are served when the task is buried", () => {
  const { alive, task } = two();
  const ran: number[] = [];
  const fn = alive.machine.functions.register((head) => ran.push(head));
  alive.machine.rcu.call(alive.scratch, fn);
  alive.memory.poll();
  expect(ran).toEqual([]);
  expect(bury(alive.machine, task)).toEqual([]);
  alive.memory.poll();
  expect(ran).toEqual([alive.scratch]);
});

test("requests to a CPU that a task had just left when it died are served when the task is buried", () => {
  const { alive, task } = two();
  const cpu = alive.machine.layout.cpuBase + sizeOfCpu;
  alive.memory.storeRelease(cpu + Cpu.poll, POLL_ASKED);
  // Its look at the CPU after it has let go of the lease does not come.
  alive.memory.storeRelease(cpu + Cpu.lease, 0);
  expect(bury(alive.machine, task)).toEqual([]);
  expect(alive.memory.loadAcquire(cpu + Cpu.poll)).toBe(0);
});

test("a task whose undertaker has died is buried by the next one", () => {
  const shared = newMachine({ cpus: 2, tasks: 4 });
  const alive = observe(shared);
  const dead = observe(shared);
  const undertaker = observe(shared);
  alive.memory.waitLimit = 200;
  alive.memory.enterCpu(0);
  dead.memory.enterCpu(1);
  const task = dead.memory.current();
  const state = taskWord(alive, task, Task.state);
  alive.memory.storeRelease(state, dyingBy(undertaker.memory.current()));
  expect(bury(alive.machine, undertaker.memory.current())).toEqual([]);
  expect(leftBy(alive.machine, undertaker.memory.current())).toEqual([task]);
  expect(bury(alive.machine, task)).toEqual([]);
  expect(alive.memory.loadAcquire(leaseOf(alive, 1))).toBe(0);
  expect(alive.memory.loadAcquire(state)).toBe(TASK_DEAD);
});

/** Lets `act` die before its access number `last` by Atomics; false where it has no more of them. */
function diesAt(last: number, act: () => void): boolean {
  const death = new Error("died");
  let left = last;
  const spies = (["store", "add", "compareExchange", "notify"] as const).map((name) => {
    const real = Atomics[name] as (...args: unknown[]) => number;
    return vi.spyOn(Atomics, name).mockImplementation((...args: unknown[]) => {
      if (--left === 0) throw death;
      return real(...args);
    });
  });
  try {
    act();
    return false;
  } catch (error) {
    if (error !== death) throw error;
    return true;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

test("a task that dies while it gives its number back is buried like any other", () => {
  let last = 1;
  for (; ; last++) {
    const { alive, dead, task } = two();
    dead.memory.restCpu();
    if (!diesAt(last, () => dead.memory.retire())) break;
    expect(bury(alive.machine, task), `before access ${last}`).toEqual([]);
    alive.memory.freeTask(task);
    expect(alive.memory.loadAcquire(leaseOf(alive, 1))).toBe(0);
    expect(observe(alive.shared).memory.current(), `before access ${last}`).toBe(task);
  }
  expect(last).toBeGreaterThan(5);
});

test("the number of a task that dies while it gives it back is found by who needs one", () => {
  let last = 1;
  for (; ; last++) {
    const { alive, dead, task } = two();
    alive.memory.onDeath = (number) => {
      bury(alive.machine, number);
      alive.memory.freeTask(number);
    };
    dead.memory.restCpu();
    dead.memory.tenancy.stand();
    if (!diesAt(last, () => dead.memory.retire())) break;
    alive.memory.notify(taskWord(alive, task, Task.alive));
    alive.memory.buryTheDeadAtOnce();
    expect(observe(alive.shared).memory.current(), `before access ${last}`).toBe(task);
  }
  expect(last).toBeGreaterThan(5);
});

test("of two that have seen a task buried, one frees its number", () => {
  const { alive, task } = two();
  bury(alive.machine, task);
  alive.memory.freeTask(task);
  const next = observe(alive.shared);
  expect(next.memory.current()).toBe(task);
  alive.memory.freeTask(task);
  expect(() => next.memory.checkAttached()).not.toThrow();
});

test("a lock of a dead task stays locked and a waiter is told, though the CPU is free", () => {
  const { alive, dead, task } = two();
  spinLock(dead.memory, dead.scratch);
  expect(bury(alive.machine, task)).toEqual([]);
  expect(() => spinLock(alive.memory, alive.scratch)).toThrow(
    `deadlock: held by dead CPU 1 (task ${task})`,
  );
});

test("a dead task that waited for a CPU is granted none", () => {
  const shared = newMachine({ cpus: 1, tasks: 3 });
  const alive = observe(shared);
  const dead = observe(shared);
  alive.memory.enterCpu(0);
  // It gives up here; a thread that is ended in its wait leaves the same words.
  expect(() => dead.memory.enterCpu(0, 5)).toThrow("found no CPU");
  expect(bury(alive.machine, dead.memory.current())).toEqual([]);
  alive.memory.leaveCpu();
  alive.memory.enterCpu(0, 10);
  expect(alive.memory.smpProcessorId()).toBe(0);
});

function taskWord({ machine }: Observer, task: number, field: number): number {
  return machine.layout.taskBase + task * sizeOfTask + field;
}

function leaseOf({ machine }: Observer, cpu: number): number {
  return machine.layout.cpuBase + cpu * sizeOfCpu + Cpu.lease;
}

/** Task 0 waits for CPU 1, which task 1 was handing over when it died. */
function handover(): { alive: Observer; task: number; granted: number } {
  const { alive, dead, task } = two();
  const waiter = alive.memory.current();
  const granted = taskWord(alive, waiter, Task.granted);
  alive.memory.storeRelease(granted, 0);
  const promise = promiseOf(dead.memory.current() + 1, 1);
  alive.memory.storeRelease(taskWord(alive, waiter, Task.wanted), promise);
  return { alive, task, granted };
}

test("a waiter whose granter died retries, and the CPU is free", () => {
  const { alive, task, granted } = handover();
  expect(bury(alive.machine, task)).toEqual([]);
  expect(alive.memory.loadAcquire(granted)).toBe(REFUSED);
  expect(alive.memory.loadAcquire(leaseOf(alive, 1))).toBe(0);
});

test("a waiter that had the lease when its granter died gets the CPU", () => {
  const { alive, task, granted } = handover();
  alive.memory.storeRelease(leaseOf(alive, 1), alive.memory.current() + 1);
  expect(bury(alive.machine, task)).toEqual([]);
  expect(alive.memory.loadAcquire(granted)).toBe(2);
});

test("a waiter that took its grant is not refused the next CPU it waits for", () => {
  const { alive, task, granted } = handover();
  const { memory } = alive;
  memory.storeRelease(leaseOf(alive, 1), memory.current() + 1);
  memory.storeRelease(granted, 2);
  const wanted = taskWord(alive, memory.current(), Task.wanted);
  const loadAcquire = memory.loadAcquire.bind(memory);
  memory.loadAcquire = (address) => {
    const found = loadAcquire(address);
    if (address === wanted) {
      memory.storeRelease(granted, 0);
      memory.storeRelease(wanted, ANY_CPU);
    }
    return found;
  };
  bury(alive.machine, task);
  expect(loadAcquire(wanted)).toBe(ANY_CPU);
  expect(loadAcquire(granted)).toBe(0);
});

test("a CPU granted to a task during its burial is taken back", () => {
  const shared = newMachine({ cpus: 1, tasks: 3 });
  const alive = observe(shared);
  const dead = observe(shared);
  alive.memory.enterCpu(0);
  expect(() => dead.memory.enterCpu(0, 5)).toThrow("found no CPU");
  // As far as its burial has got: the wish is still there, its leases were looked for.
  const task = dead.memory.current();
  alive.memory.storeRelease(taskWord(alive, task, Task.state), TASK_DYING);
  alive.memory.storeRelease(taskWord(alive, task, Task.wanted), ANY_CPU);
  alive.memory.add(alive.machine.layout.waiting, 1);
  alive.memory.leaveCpu();
  expect(alive.memory.loadAcquire(leaseOf(alive, 0))).toBe(0);
});

/** Milliseconds until a wait for a dead task is over: the time limit of the wait is a minute. */
function msToLearn(alive: Observer, wait: () => void, error: string): number {
  alive.memory.waitLimit = 60_000;
  const start = performance.now();
  expect(wait).toThrow(error);
  return performance.now() - start;
}

/** Three tasks, of which one has died in a change to CPU 1, and one holds the lock at `scratch`. */
function lostCpu() {
  const shared = newMachine({ cpus: 3 });
  const [alive, dead, middle] = [observe(shared), observe(shared), observe(shared)];
  alive.memory.waitLimit = 200;
  alive.memory.enterCpu(0);
  dead.memory.enterCpu(1);
  middle.memory.enterCpu(2);
  dead.memory.irqDisable();
  const task = dead.memory.current();
  expect(bury(alive.machine, task)).toEqual([1]);
  spinLock(middle.memory, alive.scratch);
  return { alive, middle, task, work: alive.machine.layout.cpuBase + sizeOfCpu + Cpu.work };
}

/** What others see while `middle` waits for work on CPU 1 to be done. */
function asksForWork({ alive, middle, work }: ReturnType<typeof lostCpu>): void {
  const { words } = middle.memory;
  const { layout } = middle.machine;
  alive.memory.storeRelease(work + CallSlot.pending, 1);
  const wait = { at: work + CallSlot.pending, value: 1, holder: 0 };
  new Waits(words, layout, new TaskTable(words, layout.taskBase)).begin(
    middle.memory.current(),
    wait,
  );
}

test("who has work for a lost CPU is told at once who is dead", () => {
  const { alive, task } = lostCpu();
  const nothing = alive.machine.functions.register(() => undefined);
  const wait = () => alive.machine.calls.workOn(1, nothing, 0);
  expect(msToLearn(alive, wait, `held by dead CPU 1 (task ${task})`)).toBeLessThan(20_000);
});

test("who waits for a task that waits for the dead is told of the dead, and at once", () => {
  const lost = lostCpu();
  const { alive, task } = lost;
  asksForWork(lost);
  const wait = () => spinLock(alive.memory, alive.scratch);
  expect(msToLearn(alive, wait, `held by dead CPU 1 (task ${task})`)).toBeLessThan(20_000);
});

test("a task whose word has changed waits for nobody any more", () => {
  const lost = lostCpu();
  const { alive, work } = lost;
  asksForWork(lost);
  alive.memory.storeRelease(work + CallSlot.pending, 0);
  expect(() => spinLock(alive.memory, alive.scratch)).toThrow(
    "deadlock: CPU 2 (task 2) did not let go",
  );
});

test.each([["call"], ["work"]] as const)(
  "the slot of a %s that is run after its owner was buried is free",
  (of) => {
    const shared = newMachine({ cpus: 2 });
    const [alive, dead, busy] = [observe(shared), observe(shared), observe(shared)];
    alive.memory.waitLimit = 200;
    alive.memory.enterCpu(0);
    busy.memory.enterCpu(1);
    const slot = alive.machine.layout.cpuBase + sizeOfCpu + Cpu[of];
    alive.memory.storeRelease(slot + CallSlot.owner, dead.memory.current() + 1);
    alive.memory.storeRelease(slot + CallSlot.pending, 1);
    bury(alive.machine, dead.memory.current());
    alive.memory.storeRelease(slot + CallSlot.pending, 0);
    busy.memory.leaveCpu();
    let ran = 0;
    const fn = alive.machine.functions.register(() => ran++);
    if (of === "call") alive.machine.calls.callOn(1, fn, 0);
    else alive.machine.calls.workOn(1, fn, 0);
    expect(ran).toBe(1);
  },
);

test("a task that finds no CPU in the middle of an operation stops the machine", () => {
  const shared = newMachine({ cpus: 1, tasks: 3 });
  const [alive, dead, other] = [observe(shared), observe(shared), observe(shared)];
  alive.memory.enterCpu(0);
  const wait = vi.spyOn(Atomics, "wait").mockImplementationOnce(() => {
    dead.memory.enterCpu(0);
    dead.memory.irqDisable();
    bury(other.machine, dead.memory.current());
    alive.memory.storeRelease(alive.scratch, 1);
    return "ok";
  });
  expect(() => alive.memory.waitWhile(alive.scratch, 0)).toThrow("CPU 0 is held by dead task 1");
  wait.mockRestore();
  expect(() => other.memory.checkPanic()).toThrow("the machine has panicked");
});
