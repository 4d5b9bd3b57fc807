import { expect, test } from "vitest";
import type { ContextSpec } from "../../src/explore/context.ts";
import { type Exploration, explore } from "../../src/explore/explore.ts";
import { KernelBug } from "../../src/machine/kernel-bug.ts";
import { mutexLock, mutexUnlock } from "../../src/machine/mutex.ts";
import {
  spinLock,
  spinLockIrqsave,
  spinUnlock,
  spinUnlockIrqrestore,
} from "../../src/machine/spinlock.ts";
import { operation, task, type Words, words } from "./words.ts";

type Contexts = readonly ContextSpec<Words, undefined>[];

function run(contexts: Contexts, more: Partial<Exploration<Words, undefined>> = {}) {
  const search = { strategy: "bound", preemptions: 2, schedules: 20_000 } as const;
  return explore({ name: "test", world: () => words(), contexts, search, ...more });
}

const lockBoth = (cpu: number, first: number, second: number) =>
  task(cpu, `lock ${first} then ${second}`, (memory, at) => {
    spinLock(memory, at(first));
    spinLock(memory, at(second));
    spinUnlock(memory, at(second));
    spinUnlock(memory, at(first));
  });

test("two locks in opposite order are a deadlock, with both holders named", () => {
  const { failure } = run([lockBoth(0, 0, 1), lockBoth(1, 1, 0)]);
  expect(failure).toMatchObject({ class: "deadlock", preemptions: 1 });
  expect(failure?.message).toContain(
    "CPU 0: task 0 in lock 0 then 1 waits for w1, held by task 1 (CPU 1, in lock 1 then 0)",
  );
  expect(failure?.message).toContain(
    "CPU 1: task 1 in lock 1 then 0 waits for w0, held by task 0 (CPU 0, in lock 0 then 1)",
  );
});

test("two locks taken in one order are no deadlock", () => {
  const { failure, complete } = run([lockBoth(0, 0, 1), lockBoth(1, 0, 1)]);
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(2);
});

test("a task that takes a lock twice is a deadlock without any preemption", () => {
  const { failure } = run([lockBoth(0, 3, 3)]);
  expect(failure).toMatchObject({ class: "deadlock", preemptions: 0 });
  expect(failure?.message).toContain("waits for w3, which it holds itself");
});

const lockInInterrupt: Contexts[number] = {
  name: "interrupt",
  cpu: 0,
  kind: "interrupt",
  operations: [
    operation("lock in interrupt", (memory, at) => {
      spinLock(memory, at(0));
      spinUnlock(memory, at(0));
    }),
  ],
};

test("an interrupt that takes a lock of the task it has interrupted is a deadlock", () => {
  const holder = task(0, "lock with interrupts on", (memory, at) => {
    spinLock(memory, at(0));
    memory.write32(at(1), 1);
    spinUnlock(memory, at(0));
  });
  const { failure } = run([holder, lockInInterrupt]);
  expect(failure).toMatchObject({ class: "deadlock", preemptions: 1 });
  expect(failure?.message).toContain("held by task 0");
});

test("an interrupt can take a lock that tasks hold only with interrupts off", () => {
  const holder = task(0, "lock with interrupts off", (memory, at) => {
    const flags = spinLockIrqsave(memory, at(0));
    memory.write32(at(1), 1);
    spinUnlockIrqrestore(memory, at(0), flags);
  });
  const { failure, complete } = run([holder, lockInInterrupt]);
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(2);
});

test("sleeping with interrupts off is a deadlock", () => {
  const sleeper = task(0, "mutex with interrupts off", (memory, at) => {
    const flags = memory.irqSave();
    mutexLock(memory, at(0));
    mutexUnlock(memory, at(0));
    memory.irqRestore(flags);
  });
  expect(run([sleeper]).failure).toMatchObject({ class: "deadlock", preemptions: 0 });
});

test("a loop that polls without waitWhile is a livelock", () => {
  const poller = task(0, "poll", (memory, at) => {
    while (memory.readOnce(at(0)) === 0);
  });
  const setter = task(1, "set", (memory, at) => memory.writeOnce(at(0), 1));
  const { failure } = run([poller, setter]);
  expect(failure?.class).toBe("livelock");
  expect(failure?.message).toContain("task 0 is in poll");
});

test("a loop that waits with waitWhile is no livelock", () => {
  const waiter = task(0, "wait", (memory, at) => memory.waitWhile(at(0), 0));
  const setter = task(1, "set", (memory, at) => memory.writeOnce(at(0), 1));
  expect(run([waiter, setter]).complete?.preemptions).toBe(2);
});

test("unlocking a lock that is not held fails with the class lock-not-held", () => {
  const dropper = task(0, "unlock", (memory, at) => spinUnlock(memory, at(0)));
  expect(run([dropper]).failure?.class).toBe("lock-not-held");
});

const neighbour = task(1, "neighbour", (memory, at) => {
  memory.writeOnce(at(0), memory.readOnce(at(0)) + 1);
});

test("an operation that depends on anything but the memory is non-determinism", () => {
  let calls = 0;
  const impure = task(0, "impure", (memory, at) => {
    if (calls++ % 2 === 0) memory.readOnce(at(0));
    memory.writeOnce(at(1), 1);
    memory.readOnce(at(0));
  });
  const { failure } = run([impure, neighbour], { search: { strategy: "walk", schedules: 100 } });
  expect(failure).toMatchObject({ class: "non-determinism", token: undefined });
  expect(failure?.message).toMatch(/impure of task 0 did \w+ w\d where before it did \w+ w\d/);
});

test("an operation that writes another value when it runs again is non-determinism", () => {
  let calls = 0;
  const impure = task(0, "impure", (memory, at) => {
    memory.write32(at(1), calls++);
    memory.readOnce(at(0));
    memory.readOnce(at(0));
  });
  const { failure } = run([impure, neighbour], { search: { strategy: "walk", schedules: 100 } });
  expect(failure?.message).toMatch(/write32 w1 with the value \d+ where before it was \d+/);
});

test("an operation that catches its suspension is non-determinism", () => {
  const swallower = task(0, "swallow", (memory, at) => {
    try {
      memory.readOnce(at(0));
      memory.readOnce(at(0));
    } catch {
      return 0;
    }
  });
  const { failure } = run([swallower, neighbour], { search: { strategy: "walk", schedules: 100 } });
  expect(failure?.class).toBe("non-determinism");
  expect(failure?.message).toContain("the suspension was caught");
});

test("an operation that catches its suspension and retries is non-determinism", () => {
  const retries = task(0, "retry", (memory, at) => {
    try {
      memory.readOnce(at(0));
      memory.readOnce(at(0));
    } catch {
      memory.readOnce(at(1));
    }
  });
  const { failure } = run([retries, neighbour], { search: { strategy: "walk", schedules: 100 } });
  expect(failure?.class).toBe("non-determinism");
  expect(failure?.message).toContain("or followed by another access");
});

test("an operation that turns its suspension into another error is non-determinism", () => {
  const swallower = task(0, "wrap", (memory, at) => {
    try {
      memory.readOnce(at(0));
      memory.readOnce(at(0));
    } catch {
      throw new Error("something else");
    }
  });
  const { failure } = run([swallower, neighbour], { search: { strategy: "walk", schedules: 100 } });
  expect(failure?.message).toContain('turned into "Error: something else"');
});

test("an operation that changes the result of an earlier one fails", () => {
  const contexts: Contexts = [
    {
      name: "task",
      cpu: 0,
      operations: [
        { name: "make", run: () => [1, 2] },
        { name: "use up", run: (_, { results }) => (results[0] as number[]).pop() },
      ],
    },
  ];
  expect(run(contexts).failure).toMatchObject({ class: "exception" });
});

test.each([
  ["page 0", 16],
  ["beyond the end", 2 ** 30],
  ["the middle of a word", 8194],
])("an access to %s is a bad access", (_, address) => {
  const reader = task(0, "read", (memory) => memory.read32(address));
  expect(run([reader]).failure?.class).toBe("bad-access");
});

test.each([
  ["from page 0", 8192 + 64, 16],
  ["from beyond the end", 8192 + 64, 2 ** 24],
  ["to page 0", 16, 8192 + 64],
])("a copy %s is a bad access", (_, to, from) => {
  const copier = task(0, "copy", (memory) => memory.copy(to, from, 8));
  expect(run([copier]).failure?.class).toBe("bad-access");
});

test("a swap of two words that are not 8-aligned is a bad access", () => {
  const swapper = task(0, "swap", (memory, at) => memory.cmpxchgDouble(at(0) + 4, 0, 0, 1, 1));
  expect(run([swapper]).failure?.class).toBe("bad-access");
});

test("a racy read of any address is allowed", () => {
  const reader = task(0, "read", (memory) => memory.readRacy(-4) + memory.readRacy(2 ** 30));
  expect(run([reader]).failure).toBeUndefined();
});

test("a plain write into the area of another CPU in mid-operation is a bad access", () => {
  const stale: Contexts = [
    {
      name: "migrating task",
      cpu: 0,
      migrates: true,
      operations: [
        operation("stale pointer", (memory) => memory.write32(memory.thisCpuPtr(64), 1)),
      ],
    },
    task(0, "other", (memory, at) => {
      memory.readOnce(at(0));
      memory.thisCpuRead(64);
    }),
  ];
  const { failure } = run(stale);
  expect(failure?.class).toBe("bad-access");
  expect(failure?.message).toContain("wrote into the area of CPU 0");
});

/** A migrating task that uses a pointer of its CPU, and one of that CPU that uses the same word. */
const withPointer = (use: (memory: Words["memory"], own: number) => void): Contexts => [
  {
    name: "migrating task",
    cpu: 0,
    migrates: true,
    operations: [operation("look there", (memory) => use(memory, memory.thisCpuPtr(64)))],
  },
  task(0, "other", (memory) => memory.thisCpuCmpxchg(64, 0, 1)),
];

test.each([
  ["wrote into", (memory: Words["memory"], own: number) => memory.write32(own, 1)],
  ["read in", (memory: Words["memory"], own: number) => memory.read32(own)],
])(
  "a task that %s the area of a CPU that it left is a bad access, if nobody is there",
  (did, use) => {
    const { failure } = run(withPointer(use));
    expect(failure).toMatchObject({ class: "bad-access", preemptions: 1 });
    expect(failure?.message).toContain(`on CPU 1 ${did} the area of CPU 0`);
  },
);

test("a marked read of the area of a CPU that was left, or one by number, is no bad access", () => {
  expect(run(withPointer((memory, own) => memory.readOnce(own))).failure).toBeUndefined();
  const byNumber = withPointer((memory) => memory.read32(memory.perCpuPtr(64, 0)));
  expect(run(byNumber).failure).toBeUndefined();
});

test("an error that a check throws is the failure of the run", () => {
  const afterEach = (): void => {
    throw new KernelBug("counter-drift", "on purpose");
  };
  const { failure } = run([neighbour], { check: { afterEach } });
  expect(failure).toMatchObject({ class: "counter-drift", message: "on purpose" });
});

test("more contexts than a machine has tasks are refused, two per CPU included", () => {
  const world = () => words(64);
  const contexts = [neighbour];
  const search = { schedules: 1 };
  expect(() => explore({ name: "test", world, contexts, search })).toThrow(
    "1 contexts, and 2 that each of the 64 CPUs needs for itself, are 129 tasks; a machine has at most 128",
  );
});
