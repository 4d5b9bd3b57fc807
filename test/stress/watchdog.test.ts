/** A CPU that runs in circles is found, named with what it was doing, and its thread ended. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { boot, MIB, systemOf } from "../../src/kernel/kernel.ts";
import { Cpu, sizeOfCpu } from "../../src/machine/cpus.ts";
import { loadMutation } from "../../src/museum/mutations.ts";
import { controlBytes, KMALLOC, StressControl } from "../../stress/control.ts";
import { stress } from "../../stress/run.ts";
import { WATCH_MS, Watchdog } from "../../stress/watchdog.ts";
import { expectStuckCpu } from "./livelock.ts";
import { options } from "./options.ts";

const everywhere = fileURLToPath(new URL("./mutations/nobody-frees-slowly.ts", import.meta.url));
const PATIENCE_MS = 2_000;
/** So often a watchdog with that patience looks at a task that makes no step. */
const LOOKS = PATIENCE_MS / WATCH_MS;

/** A machine of two CPUs without threads, and what a watchdog sees of two tasks on them. */
function watched() {
  const kernel = boot({ cpus: 2, memory: 4 * MIB, checker: controlBytes(2), tasks: 3 });
  const control = new StressControl(systemOf(kernel).machine, 2);
  const watchdog = new Watchdog(kernel, control, PATIENCE_MS);
  /** The machine's task 0 is the main thread, and a lease holds a task's number + 1. */
  const occupy = (cpu: number, task: number | undefined): void => {
    const lease = systemOf(kernel).machine.layout.cpuBase + cpu * sizeOfCpu + Cpu.lease;
    systemOf(kernel).memory.storeRelease(lease, task === undefined ? 0 : task + 2);
  };
  let operations = 0;
  const step = (task: number) => control.begin(task, operations++, KMALLOC, 64);
  for (const task of [0, 1]) {
    occupy(task, task);
    control.activate(task);
  }
  return { control, watchdog, occupy, step };
}

test("a CPU that makes no step for longer than the patience is stuck, and only that one", () => {
  const { watchdog, step } = watched();
  step(1);
  for (let look = 0; look < LOOKS; look++) {
    step(0);
    expect(watchdog.look()).toBeUndefined();
  }
  step(0);
  expect(watchdog.look()).toEqual({
    task: 1,
    message: "CPU 1 (task 1) has made no progress for 2 s; it is doing kmalloc(64), under way",
  });
});

test("CPUs that make steps are never stuck, however long the run", () => {
  const { watchdog, step } = watched();
  for (let look = 0; look < 100 * LOOKS; look++) {
    step(0);
    if (look % LOOKS === 0) step(1);
    expect(watchdog.look()).toBeUndefined();
  }
});

test.each([
  ["a CPU that no task holds", ({ occupy }: ReturnType<typeof watched>) => occupy(1, undefined)],
  [
    "a task that is in no round",
    ({ control }: ReturnType<typeof watched>) => control.deactivate(1),
  ],
])("%s is not stuck, however long nothing happens there", (_, change) => {
  const it = watched();
  change(it);
  for (let look = 0; look < 5 * LOOKS; look++) {
    it.step(0);
    expect(it.watchdog.look()).toBeUndefined();
  }
});

test("the watchdog counts from the start again when a round begins", () => {
  const { watchdog } = watched();
  const last = () => Array.from({ length: LOOKS }, () => watchdog.look()).at(-1);
  expect(last()).toBeUndefined();
  watchdog.reset();
  expect(last()).toBeUndefined();
  expect(watchdog.look()).toBeDefined();
});

test("a stuck CPU on real threads is a livelock, and the report says where", () =>
  expectStuckCpu("slub", PATIENCE_MS));

test("a CPU that is stuck when the other has finished is a livelock", async () => {
  await loadMutation(everywhere);
  // Only the critical task of this load frees anything before memory is short.
  const wanted = options({ workload: "pressure", cpus: 2, nodes: 1, operations: 200 });
  const outcome = await stress({ ...wanted, mutation: everywhere }, { patience: PATIENCE_MS });
  expect(outcome.operations).toBeGreaterThanOrEqual(180);
  expect(outcome.failure).toMatchObject({ class: "livelock" });
});

test("a run ends also where every CPU is stuck", async () => {
  await loadMutation(everywhere);
  const load = { workload: "larson", cpus: 3, nodes: 1, operations: undefined, seconds: 60 };
  const outcome = await stress(
    { ...options(load), mutation: everywhere },
    { patience: PATIENCE_MS },
  );
  expect(outcome.failure).toMatchObject({ class: "livelock" });
  expect(outcome.interrupted).toBe(false);
});
