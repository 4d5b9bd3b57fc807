import { expect, test } from "vitest";
import type { ContextSpec } from "../../src/explore/context.ts";
import { explore } from "../../src/explore/explore.ts";
import { replay } from "../../src/explore/replay.ts";
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
  expect(failure?.message).toContain("data-race on w0: read32 by read of task 1");
  const [first, second] = failure?.race ?? [];
  expect(first).toMatchObject({ contextName: "task 0", operation: "write" });
  expect(first?.access).toMatchObject({ kind: "write32", text: "w0 = 7" });
  expect(second).toMatchObject({ contextName: "task 1", operation: "read" });
  expect(second?.access?.text).toBe("w0 -> 7");
  for (const { access } of [first!, second!]) {
    expect(access?.stack[0]?.file).toBe("test/explore/races.test.ts");
  }
});

test("of several accesses nearby the one that races is named", () => {
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

test("two reads do not race, nor does anything with a racy read", () => {
  const other = task(0, "read", (memory, at) => memory.read32(at(0)));
  const racy = task(1, "racy read", (memory, at) => memory.readRacy(at(0)));
  expect(raceOf(other, plainReader)).toBeUndefined();
  expect(raceOf(plainWriter, racy)).toBeUndefined();
});

test("a lock orders what is done under it", () => {
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

test("release and acquire order; the same with a marked write in place of the release does not", () => {
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

test("tasks of one CPU are ordered by the switch between them", () => {
  const onSameCpu = { ...plainReader, cpu: 0 };
  expect(raceOf(plainWriter, onSameCpu)).toBeUndefined();
});

test("fills and copies count for every word they cover", () => {
  const filler = task(0, "fill", (memory, at) => memory.fill(at(0), 0xff, 64));
  const copier = task(0, "copy", (memory, at) => memory.copy(at(2), at(0), 64));
  const reader = task(1, "read", (memory, at) => memory.read32(at(0) + 60));
  const writer = task(1, "write", (memory, at) => memory.write32(at(0) + 60, 1));
  expect(raceOf(filler, reader)?.class).toBe("data-race");
  expect(raceOf(copier, reader)).toBeUndefined();
  expect(raceOf(copier, writer)?.class).toBe("data-race");
});
