import { describe, expect, test } from "vitest";
import { loadedAnew } from "../../stress/scaling/fresh.ts";
import type { Workload } from "../../stress/scaling/workload.ts";
import { SCALE_WORKLOADS } from "../../stress/scaling/workloads/index.ts";
import { CountingSubject, contextOf, controlOf } from "./player-contexts.ts";

const all = [...SCALE_WORKLOADS.values()];
const ofOneCpu = all.filter(({ leastCpus }) => leastCpus === 1);

describe.each(ofOneCpu)("$name", (workload) => {
  test("frees each object once and keeps none", () => {
    const subject = new CountingSubject();
    const context = contextOf(subject, controlOf(1));
    const player = workload.start(context);
    let done = 0;
    for (let i = 0; i < 20; i++) done += player.run(500);
    expect(done).toBeGreaterThanOrEqual(20 * 500 - 20);
    player.finish();
    context.exchange.drain((object) => subject.free(object));
    expect(subject.held.size).toBe(0);
    expect(subject.freedUnheld).toBe(0);
    expect(subject.allocated).toBeGreaterThanOrEqual(done);
  });
});

test("workloads of one size ask for no other", () => {
  for (const workload of ofOneCpu.filter(({ sizes }) => sizes === "single")) {
    const subject = new CountingSubject();
    workload.start(contextOf(subject, controlOf(1))).run(1000);
    expect([...subject.sizes], workload.name).toEqual([64]);
  }
});

test("objects that one CPU sends are freed by the other, in both directions", () => {
  const workload = SCALE_WORKLOADS.get("remote-free");
  const control = controlOf(2);
  const subject = new CountingSubject();
  const contexts = [0, 1].map((cpu) => contextOf(subject, control, cpu));
  const players = contexts.map((context) => workload?.start(context));
  // Short stretches in turns: neither fills the other's mailbox, so neither ever waits.
  let done = 0;
  for (let i = 0; i < 50; i++) {
    for (const context of contexts) {
      const to = 1 - context.cpu;
      if (context.exchange.hasRoom(to)) context.exchange.send(to, [subject.alloc(64)]);
    }
    for (const player of players) done += player?.run(1) ?? 0;
  }
  expect(done).toBe(100);
  for (const context of contexts) context.exchange.drain((object) => subject.free(object));
  expect(subject.held.size).toBe(0);
  expect(subject.freedUnheld).toBe(0);
});

test("every workload names who thought of it", () => {
  for (const { origin } of all) expect(origin.length).toBeGreaterThan(5);
});

test("a workload loaded anew is another evaluation of the same code, each by its own name", async () => {
  for (const workload of all) {
    const again = await loadedAnew(workload, 1);
    expect(again.name).toBe(workload.name);
    expect(again.start, workload.name).not.toBe(workload.start);
    expect(String(again.start)).toBe(String(workload.start));
  }
  await expect(loadedAnew({ ...(all[0] as Workload), name: "gone" }, 2)).rejects.toThrow(
    /does not export gone/,
  );
});
