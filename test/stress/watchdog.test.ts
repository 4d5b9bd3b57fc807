/** A CPU that runs in circles is found, named with what it was doing, and its thread ended. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { boot, MIB } from "../../src/kernel/kernel.ts";
import { Cpu, sizeOfCpu } from "../../src/machine/cpus.ts";
import { loadMutation } from "../../src/museum/mutations.ts";
import { controlBytes, KMALLOC, StressControl } from "../../stress/control.ts";
import { stress } from "../../stress/run.ts";
import { Watchdog } from "../../stress/watchdog.ts";
import { expectStuckCpu } from "./livelock.ts";
import { options } from "./options.ts";

const everywhere = fileURLToPath(new URL("./mutations/nobody-frees-slowly.ts", import.meta.url));
const PATIENCE_MS = 2_000;

/** A machine of two CPUs without threads, and what a watchdog sees of two tasks on them. */
function watched() {
  const kernel = boot({ cpus: 2, memory: 4 * MIB, checker: controlBytes(2), tasks: 3 });
  const control = new StressControl(kernel.machine, 2);
  const watchdog = new Watchdog(kernel, control, PATIENCE_MS);
  /** The machine's task 0 is the main thread, and a lease holds a task's number + 1. */
  const occupy = (cpu: number, task: number | undefined): void => {
    const lease = kernel.machine.layout.cpuBase + cpu * sizeOfCpu + Cpu.lease;
    kernel.memory.storeRelease(lease, task === undefined ? 0 : task + 2);
  };
  let operations = 0;
  const step = (task: number) => control.begin(task, operations++, KMALLOC, 64, false);
  for (const task of [0, 1]) {
    occupy(task, task);
    control.setActive(task, true);
  }
  return { control, watchdog, occupy, step };
}

test("a CPU that makes no step for longer than the patience is stuck, and only that one", () => {
  const { watchdog, step } = watched();
  step(1);
  for (let now = 0; now <= PATIENCE_MS; now += 500) {
    step(0);
    expect(watchdog.check(now)).toBeUndefined();
  }
  step(0);
  expect(watchdog.check(PATIENCE_MS + 500)).toEqual({
    task: 1,
    message: "CPU 1 (task 1) has not got on for 3 s; it is doing kmalloc(64), under way",
  });
});

test("CPUs that make steps are never stuck, however long the run", () => {
  const { watchdog, step } = watched();
  for (let now = 0; now < 100 * PATIENCE_MS; now += PATIENCE_MS) {
    step(0);
    step(1);
    expect(watchdog.check(now)).toBeUndefined();
  }
});

test.each([
  ["a CPU that no task holds", ({ occupy }: ReturnType<typeof watched>) => occupy(1, undefined)],
  [
    "a task that is in no round",
    ({ control }: ReturnType<typeof watched>) => control.setActive(1, false),
  ],
])("%s is not stuck, however long nothing happens there", (_, change) => {
  const it = watched();
  change(it);
  for (let now = 0; now < 5 * PATIENCE_MS; now += 500) {
    it.step(0);
    expect(it.watchdog.check(now)).toBeUndefined();
  }
});

test("the watchdog counts from the start again when a CPU changes hands or a round begins", () => {
  const { watchdog, occupy, step } = watched();
  watchdog.check(0);
  occupy(1, 0);
  step(0);
  expect(watchdog.check(PATIENCE_MS + 1)).toBeUndefined();
  watchdog.reset();
  expect(watchdog.check(3 * PATIENCE_MS)).toBeUndefined();
});

test("a stuck CPU on real threads is a livelock, and the report says where", () =>
  expectStuckCpu("slub", PATIENCE_MS));

test("CPUs that are stuck while they give everything back are a livelock", async () => {
  await loadMutation(everywhere);
  // This load frees nothing before memory is short.
  const wanted = options({ workload: "pressure", cpus: 2, nodes: 1, operations: 1_000 });
  const outcome = await stress({ ...wanted, mutation: everywhere }, { patience: PATIENCE_MS });
  expect(outcome.operations).toBeGreaterThanOrEqual(1_000);
  expect(outcome.failure).toMatchObject({ class: "livelock" });
});
