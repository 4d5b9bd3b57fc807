import { expect, test } from "vitest";
import { CacheLines } from "../../stress/model/cache-lines.ts";
import { isModelled, type ModelKey, model } from "../../stress/model/model.ts";
import { lockWait, PRICES } from "../../stress/model/prices.ts";
import { SUBJECTS, type SubjectInfo } from "../../stress/scaling/subjects/index.ts";
import type { Workload } from "../../stress/scaling/workload.ts";
import { SCALE_WORKLOADS } from "../../stress/scaling/workloads/index.ts";

function key(allocator: string, workload: string, more: Partial<ModelKey> = {}): ModelKey {
  return {
    subject: SUBJECTS.get(allocator) as SubjectInfo,
    workload: SCALE_WORKLOADS.get(workload) as Workload,
    ...{ kernel: "4.1", size: 64, cpus: 2, nodes: 1 },
    ...more,
  };
}

test.each([
  ["slub", 21],
  ["slab", 15],
])("a pair of %s is %i accesses, no locked instruction and no transfer", (name, accesses) => {
  const point = model(key(name, "pairs"), PRICES);
  expect(point).toMatchObject({ accesses, locked: 0, locks: 0, transfers: 0, lockWait: 0 });
  expect(point.ns).toBeCloseTo(accesses * PRICES.access);
});

test("counts are the same every time, and remote frees move lines, from afar on two nodes", () => {
  const near = model(key("slub", "remote-free"), PRICES);
  expect(model(key("slub", "remote-free"), PRICES)).toEqual(near);
  expect(near.transfers).toBeGreaterThan(1);
  expect(near.far).toBe(0);
  const far = model(key("slub", "remote-free", { nodes: 2 }), PRICES);
  expect(far.far).toBeCloseTo(far.transfers);
  const dear = model(key("slub", "remote-free"), { ...PRICES, transfer: 1000 });
  expect(dear.ns - dear.lockWait).toBeCloseTo(
    near.ns - near.lockWait + near.transfers * (1000 - PRICES.transfer),
  );
});

test("what does not exist is not modelled: peers, variants, SLAB in 7.1, too few CPUs", () => {
  expect(isModelled(key("slub", "pairs", { kernel: "7.1" }))).toBe(true);
  expect(isModelled(key("tlsf", "pairs"))).toBe(false);
  expect(isModelled(key("slub-ledger", "pairs"))).toBe(false);
  expect(isModelled(key("slab", "pairs", { kernel: "7.1" }))).toBe(false);
  expect(isModelled(key("slub", "mstress"))).toBe(false);
  expect(isModelled(key("slub", "remote-free", { cpus: 1 }))).toBe(false);
});

test("a line moves when another CPU has written it, and when others that have it lose it", () => {
  const lines = new CacheLines((cpu) => cpu >> 1);
  const near = { isFar: false };
  expect(lines.write(0, 64)).toBeUndefined();
  expect(lines.read(0, 68)).toBeUndefined();
  expect(lines.read(1, 64)).toEqual(near);
  expect(lines.read(1, 64)).toBeUndefined();
  expect(lines.write(0, 64)).toEqual(near);
  expect(lines.read(2, 64)).toEqual({ isFar: true });
  expect(lines.read(2, 128)).toBeUndefined();
  expect(lines.traffic()).toEqual([{ address: 64, transfers: 3, needless: 0 }]);
  lines.forget();
  expect(lines.traffic()).toEqual([]);
});

test("a transfer is needless where only a neighbour of the wanted word was written", () => {
  const lines = new CacheLines(() => 0);
  lines.write(0, 64);
  lines.write(1, 68);
  lines.write(0, 64);
  lines.write(1, 68);
  lines.read(0, 68);
  expect(lines.traffic()).toEqual([{ address: 64, transfers: 4, needless: 2 }]);
});

test("a lock without rivals is not waited for; a full one lets one at a time through", () => {
  expect(lockWait(1, 100, [50])).toBe(0);
  expect(lockWait(2, 100, [])).toBe(0);
  // Of 16 CPUs that need the lock for all of their work, 15 wait.
  expect(lockWait(16, 0, [50])).toBeCloseTo(15 * 50);
  expect(lockWait(2, 50, [50])).toBeCloseTo(25);
});
