/** What the watchdog calls progress, on a machine without threads. */
import { expect, test } from "vitest";
import { attach, boot, systemOf } from "../../src/kernel/kernel.ts";
import { CPU_DOWN, controlBytes, KFREE, KMALLOC, StressControl } from "../../stress/control.ts";
import { Driver } from "../../stress/driver.ts";
import { Random } from "../../stress/random.ts";
import { WATCH_MS, Watchdog } from "../../stress/watchdog.ts";

const PATIENCE_MS = 10 * WATCH_MS;

/** The watchdog of one task, and that task, which runs as CPU 0 while `look` looks. */
function watched() {
  const kernel = boot({ cpus: 1, tasks: 4, memory: 2 ** 24, checker: controlBytes(1) });
  const control = new StressControl(systemOf(kernel).machine, 1);
  const watchdog = new Watchdog(kernel, control, PATIENCE_MS);
  const task = attach(kernel.shared);
  const look = (times: number) =>
    task.run(() => Array.from({ length: times }, () => watchdog.look()).at(-1));
  control.activate(0);
  return { kernel, task, control, watchdog, look };
}

test("a task is stuck when it was seen too often without a step of its own", () => {
  const { control, look } = watched();
  control.begin(0, 0, KMALLOC, 64);
  expect(look(10)).toBeUndefined();
  expect(look(1)?.message).toBe(
    "CPU 0 (task 0) has made no progress for 2 s; it is doing kmalloc(64), under way",
  );
  control.begin(0, 1, KMALLOC, 64);
  expect(look(10)).toBeUndefined();
});

test("interrupts are no progress of what they interrupt", () => {
  const { control, look } = watched();
  control.begin(0, 0, KMALLOC, 64);
  const looks = Array.from({ length: 11 }, (_, n) => {
    control.end(control.beginInInterrupt(0, n + 1, KFREE, 4096), 4096);
    return look(1);
  });
  expect(looks.findIndex((stuck) => stuck !== undefined)).toBe(10);
});

test("a task that has no CPU at the moment is not looked at, and not forgiven either", () => {
  const { control, watchdog, look } = watched();
  control.begin(0, 0, KMALLOC, 64);
  look(10);
  for (let n = 0; n < 100; n++) expect(watchdog.look()).toBeUndefined();
  expect(look(1)).toBeDefined();
});

test("once the run is to stop a task has less time", () => {
  const kernel = boot({ cpus: 1, tasks: 4, memory: 2 ** 24, checker: controlBytes(1) });
  const control = new StressControl(systemOf(kernel).machine, 1);
  const task = attach(kernel.shared);
  const watchdog = new Watchdog(kernel, control);
  control.activate(0);
  control.begin(0, 0, KMALLOC, 64);
  const look = () => task.run(() => watchdog.look());
  for (let n = 0; n < 30; n++) expect(look()).toBeUndefined();
  control.stop();
  const looks = Array.from({ length: 30 }, look);
  expect(looks.findIndex((stuck) => stuck !== undefined)).toBe(25);
});

test("hotplug is watched like any other task", () => {
  const { kernel, control, watchdog } = watched();
  const hotplug = attach(kernel.shared);
  control.activate(control.hotplugTask);
  control.begin(control.hotplugTask, 0, CPU_DOWN, 3);
  const looks = hotplug.run(() => Array.from({ length: 11 }, () => watchdog.look()));
  expect(looks.at(-1)?.message).toContain("it is doing cpu_down(3), under way");
});

test("the interrupted operation stays in the log", () => {
  const { task, control } = watched();
  const driver = new Driver({
    ...{
      kernel: task,
      control,
      ledger: undefined,
      task: 0,
      tasks: 1,
      failsFrom: undefined,
      caches: [],
    },
    random: new Random(1, 0),
  });
  const object = driver.kmalloc(64);
  driver.inInterrupt = true;
  for (let n = 0; n < 50; n++) driver.kfree(driver.kmalloc(32));
  driver.inInterrupt = false;
  const own = control.lastOperations(0).filter(({ inInterrupt }) => !inInterrupt);
  expect(own).toMatchObject([{ name: "kmalloc", argument: 64, object }]);
});
