import { expect, test } from "vitest";
import type { ContextSpec, Operation } from "../../src/explore/context.ts";
import { explore } from "../../src/explore/explore.ts";
import type { ExploredMemory } from "../../src/explore/explored-memory.ts";
import { exploredMemory, serve, smallMachine } from "../../src/explore/world.ts";
import { KernelBug } from "../../src/machine/kernel-bug.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { Address } from "../../src/machine/memory.ts";
import { RcuHead } from "../../src/machine/rcu.ts";

interface Whole {
  readonly memory: ExploredMemory;
  readonly machine: Machine;
  readonly word: Address;
  readonly head: Address;
  /** Adds 1 to the word at its argument. */
  readonly bump: number;
  /** Marks the object of an RCU head as freed. */
  readonly release: number;
}

function whole(cpus = 2): Whole {
  const options = smallMachine(cpus);
  const memory = exploredMemory(options);
  const machine = new Machine(memory, options);
  serve(memory, machine);
  const word = machine.statics.words(16, "test");
  const bump = machine.functions.register((at) => {
    memory.writeOnce(at, memory.readOnce(at) + 1);
  });
  const release = machine.functions.register((head) => memory.writeOnce(head + 32, 1));
  return { memory, machine, word, head: word + 64 - 64 + 16, bump, release };
}

type Body = (world: Whole) => unknown;
const operation = (name: string, run: Body): Operation<Whole, undefined> => ({ name, run });
const task = (cpu: number, ...operations: Operation<Whole, undefined>[]) =>
  ({ name: `task ${cpu}`, cpu, operations }) satisfies ContextSpec<Whole, undefined>;

function run(
  contexts: readonly ContextSpec<Whole, undefined>[],
  atEnd?: (world: Whole) => void,
  preemptions = 2,
) {
  return explore({
    name: "machine",
    world: () => whole(),
    contexts,
    ...(atEnd === undefined ? {} : { check: { atEnd } }),
    search: { strategy: "bound", preemptions, schedules: 300_000 },
  });
}

const callOther = operation("call CPU 1", ({ machine, bump, word }) =>
  machine.calls.callOn(1, bump, word),
);

test("a call to another CPU runs there, at any point where its interrupts are on", () => {
  const seen = new Set<number>();
  const busy = operation("two reads", ({ memory, word }) => {
    const first = memory.readOnce(word);
    const second = memory.readOnce(word);
    memory.writeOnce(word + 4, first * 10 + second);
  });
  const { failure, complete } = run([task(0, callOther), task(1, busy)], ({ memory, word }) => {
    expect(memory.peek(word)).toBe(1);
    seen.add(memory.peek(word + 4));
  });
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(2);
  expect(seen).toEqual(new Set([0, 1, 11]));
});

test("a call to another CPU never runs between two accesses with interrupts off", () => {
  const seen = new Set<number>();
  const busy = operation("two reads", ({ memory, word }) => {
    const flags = memory.irqSave();
    const first = memory.readOnce(word);
    const second = memory.readOnce(word);
    memory.irqRestore(flags);
    memory.writeOnce(word + 4, first * 10 + second);
  });
  run([task(0, callOther), task(1, busy)], ({ memory, word }) => {
    seen.add(memory.peek(word + 4));
  });
  expect(seen).toEqual(new Set([0, 11]));
});

test("two CPUs that call each other both get their calls done", () => {
  const back = operation("call CPU 0", ({ machine, bump, word }) =>
    machine.calls.callOn(0, bump, word + 4),
  );
  const { failure, complete } = run([task(0, callOther), task(1, back)], ({ memory, word }) => {
    expect([memory.peek(word), memory.peek(word + 4)]).toEqual([1, 1]);
  });
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(2);
});

test("a call to a CPU that waits with interrupts off is a deadlock", () => {
  const stuck = operation("wait with interrupts off", ({ memory, word }) => {
    memory.irqDisable();
    memory.waitWhile(word, 0);
    memory.irqEnable();
  });
  const { failure } = run([task(0, callOther), task(1, stuck)]);
  expect(failure?.class).toBe("deadlock");
  expect(failure?.message).toContain("task 1 in wait with interrupts off waits for");
});

const askWork = ({ machine, bump, word }: Whole) => machine.calls.workOn(1, bump, word);
const workOther = operation("work for CPU 1", askWork);

test("a call waits for no task of its own CPU that sleeps until the other CPU has done its work", () => {
  // Words of their own: the call may interrupt the work.
  const call = operation("call CPU 1", ({ machine, bump, word }) =>
    machine.calls.callOn(1, bump, word + 4),
  );
  const { failure, complete } = run([task(0, workOther), task(0, call)], ({ memory, word }) => {
    expect([memory.peek(word), memory.peek(word + 4)]).toEqual([1, 1]);
  });
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(2);
});

test("work is done on a CPU whose own task has asked for it and was moved away", () => {
  const twice = operation("work for CPU 1, twice", (world) => {
    askWork(world);
    askWork(world);
  });
  const { failure, complete } = run([{ ...task(0, twice), migrates: true }]);
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(2);
});

const retire = operation("retire", ({ memory, machine, head, word, release }) => {
  memory.writeOnce(word, 0);
  machine.rcu.call(head, release);
});
const publish = (world: Whole): void => {
  world.memory.write32(world.word, world.head);
  world.memory.write32(world.head + RcuHead.func, 0);
};

const reader = (locks: boolean) =>
  operation("read", ({ memory, machine, word }) => {
    if (locks) machine.rcu.readLock();
    const object = memory.readOnce(word);
    if (object !== 0 && memory.readOnce(object + 32) !== 0) {
      throw new KernelBug("use-after-free", "read a freed object");
    }
    if (locks) machine.rcu.readUnlock();
  });

test("an RCU callback runs only after every reader that began before it", () => {
  const { failure, complete } = explore({
    name: "rcu",
    world: () => whole(),
    setup: publish,
    contexts: [
      task(
        0,
        retire,
        operation("next", () => 0),
      ),
      task(1, reader(true)),
    ],
    check: { atEnd: ({ memory, head }) => expect(memory.peek(head + 32)).toBe(1) },
    search: { strategy: "bound", preemptions: 2, schedules: 300_000 },
  });
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(2);
});

test("an object that is freed without waiting for RCU readers is a use-after-free", () => {
  const tooEarly = operation("free at once", ({ memory, machine, word, head, release }) => {
    memory.writeOnce(word, 0);
    machine.functions.call(release, head);
  });
  const { failure } = explore({
    name: "rcu",
    world: () => whole(),
    setup: publish,
    contexts: [task(0, tooEarly), task(1, reader(true))],
    search: { strategy: "bound", preemptions: 2, schedules: 300_000 },
  });
  expect(failure).toMatchObject({ class: "use-after-free", preemptions: 1 });
});

test("RCU synchronize and barrier return, whatever the other CPU does", () => {
  const both = operation("synchronize, then barrier", ({ machine, head, release }) => {
    machine.rcu.synchronize();
    machine.rcu.call(head, release);
    machine.rcu.barrier();
  });
  const atEnd = ({ memory, head }: Whole): void => expect(memory.peek(head + 32)).toBe(1);
  const { failure, complete } = run([task(0, both), task(1, reader(true))], atEnd, 1);
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(1);
});

test("RCU passes over the CPU of a sleeping task, not of a task that spins with preemption off", () => {
  const wait = (sleeps: boolean) =>
    operation("wait", ({ memory, word }) => {
      if (!sleeps) memory.preemptDisable();
      memory.waitWhile(word, 0);
      if (!sleeps) memory.preemptEnable();
    });
  const wake = operation("synchronize, then wake", ({ memory, machine, word }) => {
    machine.rcu.synchronize();
    memory.writeOnce(word, 1);
  });
  const sleeper = run([task(0, wait(true)), task(1, wake)]);
  expect(sleeper.failure).toBeUndefined();
  expect(sleeper.complete?.preemptions).toBe(2);
  expect(run([task(0, wait(false)), task(1, wake)]).failure?.class).toBe("deadlock");
});
