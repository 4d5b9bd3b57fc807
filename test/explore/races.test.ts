import { expect, test } from "vitest";
import type { ContextSpec } from "../../src/explore/context.ts";
import { explore } from "../../src/explore/explore.ts";
import type { ExploredMemory } from "../../src/explore/explored-memory.ts";
import { replay } from "../../src/explore/replay.ts";
import { Cpu, sizeOfCpu } from "../../src/machine/cpus.ts";
import { spinLock, spinUnlock } from "../../src/machine/spinlock.ts";
import { task, type Words, words } from "./words.ts";

const scenario = (contexts: readonly ContextSpec<Words, undefined>[]) => ({
  name: "races",
  world: () => words(2),
  contexts,
});

function raceOf(...contexts: ContextSpec<Words, undefined>[]) {
  const search = { strategy: "bound", preemptions: 1, schedules: 10_000 } as const;
  return explore({ ...scenario(contexts), search, dataRaces: true }).failure;
}

const plainWriter = task(0, "write", (memory, at) => memory.write32(at(0), 7));
const plainReader = task(1, "read", (memory, at) => memory.read32(at(0)));

test("a plain write and a plain read that nothing orders are a data race, with both accesses", () => {
  const failure = raceOf(plainWriter, plainReader);
  expect(failure).toMatchObject({ class: "data-race", preemptions: 0 });
  expect(failure?.message).toBe(
    "data-race on w0: read32 by read of task 1 is not ordered with an earlier access by task 0",
  );
  const [first, second] = failure?.race ?? [];
  expect(first).toMatchObject({ contextName: "task 0", operation: "write" });
  expect(first?.access).toMatchObject({ kind: "write32", text: "w0 = 7" });
  expect(second).toMatchObject({ contextName: "task 1", operation: "read" });
  expect(second?.access?.text).toBe("w0 -> 7");
  for (const { access } of [first!, second!]) {
    expect(access?.stack[0]?.file).toMatch(/^test\/explore\/races\.test\.ts/);
  }
});

test("a data race names the access that races, not its neighbours", () => {
  const busyWriter = task(0, "write", (memory, at) => {
    memory.write32(at(0), 7);
    memory.read32(at(0));
    memory.read32(at(0) + 4);
  });
  const [first] = raceOf(busyWriter, plainReader)?.race ?? [];
  expect(first?.access).toMatchObject({ kind: "write32", text: "w0 = 7" });
});

test("a data race replays from its token", () => {
  const failure = raceOf(plainWriter, plainReader);
  const contexts = [plainWriter, plainReader];
  const again = replay(scenario(contexts), failure?.token ?? "", { dataRaces: true });
  expect(again.failure).toEqual(failure);
});

test("a plain write races with a marked read, and a marked write with a plain read", () => {
  const markedReader = task(1, "read", (memory, at) => memory.readOnce(at(0)));
  const markedWriter = task(0, "write", (memory, at) => memory.writeOnce(at(0), 7));
  expect(raceOf(plainWriter, markedReader)?.class).toBe("data-race");
  expect(raceOf(markedWriter, plainReader)?.class).toBe("data-race");
  expect(raceOf(markedWriter, markedReader)).toBeUndefined();
});

test("two reads do not race, and a racy read races with nothing", () => {
  const other = task(0, "read", (memory, at) => memory.read32(at(0)));
  const racy = task(1, "racy read", (memory, at) => memory.readRacy(at(0)));
  expect(raceOf(other, plainReader)).toBeUndefined();
  expect(raceOf(plainWriter, racy)).toBeUndefined();
});

test("a lock orders the accesses made under it", () => {
  const locked = (cpu: number) =>
    task(cpu, "increment", (memory, at) => {
      spinLock(memory, at(1));
      memory.write32(at(0), memory.read32(at(0)) + 1);
      spinUnlock(memory, at(1));
    });
  expect(raceOf(locked(0), locked(1))).toBeUndefined();
  const unlocked = task(1, "increment", (memory, at) => memory.write32(at(0), 1));
  expect(raceOf(locked(0), unlocked)?.class).toBe("data-race");
});

test("release and acquire order accesses; a marked write in place of the release does not", () => {
  const publish = (release: boolean) =>
    task(0, "publish", (memory, at) => {
      memory.write32(at(0), 7);
      if (release) memory.storeRelease(at(1), 1);
      else memory.writeOnce(at(1), 1);
    });
  const consume = task(1, "consume", (memory, at) => {
    if (memory.loadAcquire(at(1)) === 1) memory.read32(at(0));
  });
  expect(raceOf(publish(true), consume)).toBeUndefined();
  expect(raceOf(publish(false), consume)?.class).toBe("data-race");
});

test("a swap that fails counts as a read: it orders nothing and races with no read", () => {
  const publish = (expected: number) =>
    task(0, "publish", (memory, at) => {
      memory.write32(at(0), 7);
      memory.cmpxchg(at(1), expected, 2);
      memory.writeOnce(at(2), 1);
    });
  const consume = task(1, "consume", (memory, at) => {
    if (memory.readOnce(at(2)) === 0) return;
    memory.cmpxchg(at(1), 0, 2);
    memory.read32(at(0));
  });
  expect(raceOf(publish(0), consume)).toBeUndefined();
  expect(raceOf(publish(1), consume)?.class).toBe("data-race");
  const tries = task(0, "try", (memory, at) => memory.cmpxchg(at(0), 1, 2));
  expect(raceOf(tries, plainReader)).toBeUndefined();
});

test("the switch between two tasks of one CPU orders their accesses", () => {
  const onSameCpu = { ...plainReader, cpu: 0 };
  expect(raceOf(plainWriter, onSameCpu)).toBeUndefined();
});

test("a fill or copy can race on every word that it covers", () => {
  const filler = task(0, "fill", (memory, at) => memory.fill(at(0), 0xff, 64));
  const copier = task(0, "copy", (memory, at) => memory.copy(at(2), at(0), 64));
  const reader = task(1, "read", (memory, at) => memory.read32(at(0) + 60));
  const writer = task(1, "write", (memory, at) => memory.write32(at(0) + 60, 1));
  expect(raceOf(filler, reader)?.class).toBe("data-race");
  expect(raceOf(copier, reader)).toBeUndefined();
  expect(raceOf(copier, writer)?.class).toBe("data-race");
});

const search = { strategy: "bound", preemptions: 3, schedules: 50_000 } as const;

test("accesses of a task after its migration are not ordered with its old CPU", () => {
  const migrates = {
    ...task(0, "publish", (memory, at) => {
      if (memory.smpProcessorId() !== 0 || memory.smpProcessorId() !== 1) return;
      memory.write32(at(0), 7);
      memory.writeOnce(at(1), 1);
    }),
    migrates: true,
  };
  const stays = task(0, "consume", (memory, at) => {
    if (memory.readOnce(at(1)) === 1) memory.read32(at(0));
  });
  const { failure } = explore({ ...scenario([migrates, stays]), search, dataRaces: true });
  expect(failure).toMatchObject({ class: "data-race", preemptions: 1 });
  expect(failure?.race?.map(({ cpu }) => cpu)).toEqual([1, 0]);
});

test("words that a checker keeps behind the memory order nothing", () => {
  const publish = task(0, "publish", (memory, at) => {
    memory.write32(at(0), 7);
    memory.add(memory.layout.end, 1);
    memory.writeOnce(at(1), 1);
  });
  const consume = task(1, "consume", (memory, at) => {
    if (memory.readOnce(at(1)) === 0) return;
    memory.add(memory.layout.end, 1);
    memory.read32(at(0));
  });
  const world = () => words(2, 64);
  const contexts = [publish, consume];
  const { failure } = explore({ name: "races", world, contexts, search, dataRaces: true });
  expect(failure?.class).toBe("data-race");
});

test("a CPU whose lease is seen free orders all operations that ran there before", () => {
  const lease = (memory: ExploredMemory) => memory.layout.cpuBase + Cpu.lease;
  const looks = task(1, "write if CPU 0 is idle", (memory, at) => {
    if (memory.readOnce(at(1)) === 0) return;
    if (memory.loadAcquire(lease(memory)) === 0) memory.write32(at(0), 7);
  });
  const reader = task(0, "read", (memory, at) => {
    memory.read32(at(0));
    memory.writeOnce(at(1), 1);
  });
  const { failure, complete } = explore({ ...scenario([reader, looks]), search, dataRaces: true });
  expect(failure?.message).toBeUndefined();
  expect(complete?.preemptions).toBe(3);
});

test("a free lease of another CPU orders nothing", () => {
  const other = (memory: ExploredMemory) => memory.layout.cpuBase + sizeOfCpu + Cpu.lease;
  const looks = task(1, "write if CPU 1 is mine", (memory, at) => {
    if (memory.loadAcquire(other(memory)) !== 0) memory.write32(at(0), 7);
  });
  const reader = task(0, "read", (memory, at) => memory.read32(at(0)));
  expect(raceOf(reader, looks)?.class).toBe("data-race");
});
