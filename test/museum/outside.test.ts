import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { replay } from "../../src/explore/replay.ts";
import { classesFor } from "../../src/kernel/classes.ts";
import { mutate } from "../../src/laboratory/mutation.ts";
import { snapshotOf } from "../../src/laboratory/snapshot.ts";
import { loadMutation } from "../../src/museum/mutations.ts";
import { scenarioOfSubject } from "../../src/museum/subject.ts";

const file = fileURLToPath(new URL("./mutations/put-back-by-store.ts", import.meta.url));

test("the portfolio finds a mutation from a file, in a part that no exhibit touches", async () => {
  const scenario = await scenarioOfSubject({ scenario: "remote-free-flush", mutation: file });
  const { failure } = explore({ ...scenario, search: { schedules: 20_000 } });
  expect(failure?.class).toBe("counter-drift");
  const again = replay(scenario, failure?.token ?? "");
  expect(again.failure).toEqual(failure);
});

test("a watched replay is the same replay, with a snapshot at every event", async () => {
  const scenario = await scenarioOfSubject({ scenario: "R04" });
  const { failure } = explore({ ...scenario, search: { schedules: 1000 } });
  const token = failure?.token ?? "";
  const watched = replay(scenario, token, { watch: snapshotOf });
  const bare = watched.timeline.map(({ state: _state, ...event }) => event);
  expect(bare).toEqual(replay(scenario, token).timeline);
  const last = watched.timeline.at(-1)?.state as ReturnType<typeof snapshotOf>;
  expect(last.places.map(({ name }) => name)).toEqual(["CPU 0", "node 0"]);
  expect(last.slabs.length).toBeGreaterThan(0);
});

test("an unknown id and a file without a mutation are refused", async () => {
  await expect(loadMutation("R99")).rejects.toThrow("no mutation R99");
  const empty = fileURLToPath(new URL("../explore/words.ts", import.meta.url));
  await expect(loadMutation(empty)).rejects.toThrow("exports no mutation");
  await expect(loadMutation("nowhere.ts")).rejects.toThrow("cannot be loaded");
});

const folder = mkdtempSync(join(tmpdir(), "slablab-"));
afterAll(() => rmSync(folder, { recursive: true }));

function writeMutation(what: string, text: string): string {
  const path = join(folder, `${what.replaceAll(" ", "-")}.ts`);
  writeFileSync(path, text);
  return path;
}

test.each([
  ["is no TypeScript", "export const m: = 3;", "cannot be loaded"],
  ["throws", 'throw new Error("by itself");', "cannot be loaded: by itself"],
  ["has no function", 'export const m = { id: "X", change: 5 };', "change is no function"],
])("a mutation file that %s is refused when it is loaded", async (what, text, why) => {
  await expect(loadMutation(writeMutation(what, text))).rejects.toThrow(why);
});

test.each([
  ["returns nothing", "() => {}", "change returns no classes"],
  [
    "throws when called",
    '() => { throw new Error("by itself"); }',
    "change throws for slub: by itself",
  ],
  ["changes nothing", "(c) => ({ ...c })", "X changes no class of slub"],
  [
    "misspells a class",
    "(c) => ({ ...c, Deactivatoin: c.Deactivation })",
    "slub has no class Deactivatoin; it has Pages,",
  ],
  ["puts something else in the place of a class", "(c) => ({ ...c, Bulk: 5 })", "Bulk is no class"],
  [
    "extends a class of the other allocator",
    "(c) => ({ ...c, Refill: class extends c.Refill {} })",
    "change throws for slub",
  ],
])("a mutation that %s is refused when it is applied", async (what, change, why) => {
  const file = writeMutation(what, `export const m = { id: "X", change: ${change} };`);
  const mutation = await loadMutation(file);
  expect(() => mutate(mutation, classesFor("slub", "4.1"))).toThrow(why);
});

test("a mutation of one allocator is refused for the other", async () => {
  const mutation = await loadMutation("R04");
  expect(mutate(mutation, classesFor("slub", "4.1"))).toHaveProperty("SlowAllocation");
  expect(() => mutate(mutation, classesFor("slab", "4.1"))).toThrow("R04 changes no class of slab");
});
