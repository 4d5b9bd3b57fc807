import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { replay } from "../../src/explore/replay.ts";
import { snapshotOf } from "../../src/explore/scenario/snapshot.ts";
import { loadMutation } from "../../src/museum/mutations/load.ts";
import { scenarioOfSubject } from "../../src/museum/subject.ts";

const file = fileURLToPath(new URL("./mutations/put-back-by-store.ts", import.meta.url));

test("a mutation from a file, of a part that no exhibit touches, is found by the portfolio", async () => {
  const scenario = await scenarioOfSubject({ scenario: "remote-free-flush", mutation: file });
  const { failure } = explore({ ...scenario, search: { schedules: 20_000 } });
  expect(failure?.class).toBe("counter-drift");
  const again = replay(scenario, failure?.token ?? "");
  expect(again.failure).toEqual(failure);
});

test("a replay that is watched is the same replay, with a snapshot at every event", async () => {
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

test("an id that nobody has, or a file without a mutation, is refused", async () => {
  await expect(loadMutation("R99")).rejects.toThrow("no mutation R99");
  const empty = fileURLToPath(new URL("../explore/words.ts", import.meta.url));
  await expect(loadMutation(empty)).rejects.toThrow("exports no mutation");
  await expect(loadMutation("nowhere.ts")).rejects.toThrow("cannot be loaded");
});
