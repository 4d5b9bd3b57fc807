/** Threads that come and go: detach, burial, numbers that are given back. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { buryTask } from "../../src/kernel/burial.ts";
import { GFP_NOWAIT, KernelBug, MIB } from "../../src/kernel/index.ts";
import { attach, boot, type Kernel, systemOf, threadOf } from "../../src/kernel/kernel.ts";
import { sizeOfTask, TASK_NONE, Task } from "../../src/machine/cpus.ts";

const small = (options: Parameters<typeof boot>[0] = {}): Kernel =>
  boot({ cpus: 2, memory: 16 * MIB, ...options });

/** A task whose thread is taken for dead; on a platform that cannot look, a parent's word counts. */
function buryAlive(by: Kernel, task: Kernel): string[] {
  return buryTask(systemOf(by), threadOf(by), threadOf(task).current());
}

test("a second detach changes nothing, though the number is another thread's by then", () => {
  const kernel = small({ tasks: 3 });
  const first = attach(kernel.shared);
  first.detach();
  const second = attach(kernel.shared);
  first.detach();
  const third = attach(kernel.shared);
  expect(threadOf(third).current()).not.toBe(threadOf(second).current());
  expect(second.kmalloc(64)).not.toBe(0);
});

test.each([
  ["kmalloc", (kernel: Kernel) => kernel.kmalloc(64)],
  ["kmalloc that may not wait", (kernel: Kernel) => kernel.kmalloc(64, GFP_NOWAIT)],
  ["kfree", (kernel: Kernel) => kernel.kfree(0)],
  ["run", (kernel: Kernel) => kernel.run(() => 1)],
  ["rcuBarrier", (kernel: Kernel) => kernel.rcuBarrier()],
  ["bury", (kernel: Kernel) => kernel.bury(77)],
])("%s of a detached kernel throws at once", (_, call) => {
  const kernel = small();
  const other = attach(kernel.shared);
  other.kfree(other.kmalloc(64));
  other.detach();
  expect(() => call(other)).toThrow("this kernel was detached");
});

test("an attach that fails gives its number back", () => {
  const kernel = small({ tasks: 2 });
  const broken = () =>
    attach(kernel.shared, {
      change: (classes) => ({
        ...classes,
        Pages: class extends classes.Pages {
          override pageAddress(): never {
            throw new Error("broken");
          }
          constructor(...machine: ConstructorParameters<typeof classes.Pages>) {
            super(...machine);
            throw new Error("broken");
          }
        },
      }),
    });
  for (let i = 0; i < 3; i++) expect(broken).toThrow("broken");
  expect(attach(kernel.shared).kmalloc(64)).not.toBe(0);
});

test("a kernel in a using declaration is detached at the end of its block", () => {
  const kernel = small({ tasks: 2 });
  {
    using other = attach(kernel.shared);
    other.kfree(other.kmalloc(64));
  }
  expect(attach(kernel.shared).task).toBeGreaterThan(256);
});

test("a kernel that is forgotten gives its number back in the end", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const kernel = small({ tasks: 2 });
  (() => attach(kernel.shared).kmalloc(64))();
  const { memory, machine } = systemOf(kernel);
  const state = machine.layout.taskBase + sizeOfTask + Task.state;
  for (let i = 0; i < 100 && memory.loadAcquire(state) !== TASK_NONE; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(attach(kernel.shared).kmalloc(64)).not.toBe(0);
});

test("a task tells its number, and a thread that is alive is not buried", () => {
  const kernel = small();
  const other = attach(kernel.shared);
  expect([kernel.task, other.task]).toEqual([0, 1]);
  expect(() => kernel.bury(other.task)).toThrow("bury: task 1 is alive");
  expect(() => kernel.bury(kernel.task)).toThrow("a thread cannot bury itself");
  expect(() => kernel.bury(200)).toThrow(RangeError);
  expect(() => kernel.bury(Number.NaN)).toThrow(RangeError);
  expect(other.kmalloc(64)).not.toBe(0);
});

test("a number that another thread has by now is not buried under its old name", () => {
  const kernel = small({ tasks: 2 });
  const first = attach(kernel.shared);
  const { task } = first;
  first.detach();
  const second = attach(kernel.shared);
  expect(second.task).not.toBe(task);
  expect(kernel.bury(task)).toEqual([]);
  expect(second.kmalloc(64)).not.toBe(0);
});

test("a thread that was buried though it is alive finds out at its next call", () => {
  const kernel = small({ cpus: 1 });
  const other = attach(kernel.shared);
  other.kfree(other.kmalloc(64));
  expect(buryAlive(kernel, other)).toEqual([]);
  expect(kernel.kmalloc(64)).not.toBe(0);
  expect(() => other.kmalloc(64)).toThrow("this thread was buried as task 1, though it is alive");
  other.detach();
  expect(attach(kernel.shared).kmalloc(64)).not.toBe(0);
});

test("a thread that was buried inside of a section learns of it when it leaves its CPU", () => {
  const kernel = small({ cpus: 1 });
  const other = attach(kernel.shared);
  expect(() => other.run(() => buryAlive(kernel, other))).toThrow("this thread was buried");
  expect(kernel.kmalloc(64)).not.toBe(0);
});

test("a call looks at the CPU that it runs on, also after its task has acted for another", () => {
  const kernel = small({ cpus: 2 });
  const memory = threadOf(kernel);
  kernel.run(() => {
    systemOf(kernel).machine.calls.kickAllCpusSync();
    expect(memory.isOpen()).toBe(true);
    memory.kick(0);
    expect(memory.isOpen()).toBe(false);
  }, 0);
});

test("a task that ends in the middle of a change leaves its CPU held, and is named", () => {
  const kernel = small({ cpus: 1 });
  const lines: string[] = [];
  kernel.debug.onConsole((line) => lines.push(line));
  const other = attach(kernel.shared);
  const { memory } = systemOf(other);
  threadOf(other).enterCpu(0);
  memory.irqDisable();
  const held = ["CPU 0, in the middle of a change to its data"];
  expect(buryAlive(kernel, other)).toEqual(held);
  expect(() => kernel.kmalloc(64)).toThrow("task 0 finds no CPU: CPU 0 is held by dead task 1");
  expect(lines).toEqual([`note: task 1 exited and holds ${held}`]);
  // The number is not given to another thread, of whom the CPU would then seem to be.
  expect(attach(kernel.shared).task).toBe(2);
});

test("an allocation that may not wait fails where others have every CPU, and succeeds after", () => {
  const kernel = small({ cpus: 1 });
  const other = attach(kernel.shared);
  kernel.run(() => expect(other.kmalloc(64, GFP_NOWAIT)).toBe(0));
  threadOf(kernel).retire();
  expect(other.kmalloc(64, GFP_NOWAIT)).not.toBe(0);
});

test("no thread waits for a CPU longer than it takes to see that its holder is away", () => {
  const kernel = small({ cpus: 1 });
  const other = attach(kernel.shared);
  for (let i = 0; i < 20; i++) {
    kernel.kfree(kernel.kmalloc(64));
    threadOf(other).waitLimit = 5_000;
    other.kfree(other.kmalloc(64));
  }
  expect(() => other.run(() => kernel.run(() => 1, 0, 20))).toThrow(KernelBug);
});
