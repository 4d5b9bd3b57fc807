import { expect, test } from "vitest";
import { KeepsTid, ToySlub, TrustsTid, WithoutTid } from "../../examples/toy-slub.ts";
import {
  allocAgainstInterrupt,
  freeAgainstAlloc,
  migratingFree,
  ToyWorld,
} from "../../examples/toy-world.ts";
import { type Exploration, explore } from "../../src/explore/explore.ts";
import { replay } from "../../src/explore/replay.ts";
import { fold } from "../../src/explore/timeline.ts";
import { parseToken, printToken } from "../../src/explore/token.ts";

const search = { strategy: "bound", preemptions: 2, schedules: 200_000 } as const;

test.each([
  allocAgainstInterrupt(WithoutTid),
  freeAgainstAlloc(KeepsTid),
  migratingFree(TrustsTid),
])("the token of $name replays to the identical timeline", (scenario) => {
  const { failure } = explore({ ...scenario, search });
  const token = failure?.token ?? "";
  const again = replay(scenario, token);
  expect(again.failure).toEqual(failure);
  expect(token).toMatch(/^v1:[\w~.-]+:[0-9a-f]{8}:[\dx@.]+$/);
});

test("a token that was parsed is printed the same", () => {
  const text = "v1:some-name~1.0:0123abcd:0x2.1x14.0@1x7.0x1";
  const token = parseToken(text);
  expect(token.without).toEqual(["1.0"]);
  const cpus = token.segments.map(({ cpu }) => cpu);
  expect(cpus).toEqual([-1, -1, 1, -1]);
  const segments = [
    { context: 0, cpu: 0, steps: 2 },
    { context: 1, cpu: 1, steps: 14 },
    { context: 0, cpu: 1, steps: 7 },
    { context: 1, cpu: 1, steps: 1 },
  ];
  expect(printToken({ ...token, segments }, [0, 1])).toBe(
    "v1:some-name~1.0:0123abcd:0x2.1x14.0@1x7.1x1",
  );
});

test.each([
  ["v2:a:00000000:0x1", "begins with v1:"],
  ["v1:a:0x1", "four parts"],
  ["v1:a:xyz:0x1", "not a hash"],
  ["v1:a:00000000:0x0", '"0x0" is not a turn'],
  ["v1:a:00000000:0x1..1x2", '"" is not a turn'],
  ["v1:a~b:00000000:0x1", '"b" is not an operation'],
])("the token %s is refused: %s", (text, why) => {
  expect(() => parseToken(text)).toThrow(why);
});

test("a token of another scenario, with an unknown context or operation, is refused", () => {
  const scenario = freeAgainstAlloc(ToySlub);
  const of = (name: string, turns: string) => () =>
    replay(scenario, `v1:${name}:00000000:${turns}`);
  expect(of("other", "0x1")).toThrow('of "other", not of "free-against-alloc"');
  expect(of("free-against-alloc", "9x1")).toThrow("no context 9");
  expect(of("free-against-alloc~0.5", "0x1")).toThrow("no operation 0.5");
  expect(of("free-against-alloc", "0x1")).toThrow("still runs");
  expect(of("free-against-alloc", "0@1x1")).toThrow("cannot run on CPU 1");
});

test("a token whose program has changed is refused", () => {
  const { failure } = explore({ ...freeAgainstAlloc(KeepsTid), search });
  class ReadsMore extends KeepsTid {
    override alloc(): number {
      this.memory.readOnce(this.places.slabs);
      return super.alloc();
    }
  }
  expect(() => replay(freeAgainstAlloc(ReadsMore), failure?.token ?? "")).toThrow(
    /no longer fits the program.*Search again/,
  );
});

test("a token with the hash of other accesses is refused", () => {
  const scenario = freeAgainstAlloc(KeepsTid);
  const { failure } = explore({ ...scenario, search });
  const parts = (failure?.token ?? "").split(":");
  parts[2] = "00000000";
  expect(() => replay(scenario, parts.join(":"))).toThrow("the accesses have changed");
});

test("a timeline names contexts, CPUs, words and values, and marks accesses whose order matters", () => {
  const { failure } = explore({ ...allocAgainstInterrupt(WithoutTid), search });
  const timeline = failure?.timeline ?? [];
  const texts = timeline.map(({ contextName, what, text }) => `${contextName} ${what} ${text}`);
  expect(texts).toContain("interrupt begins alloc, alloc, free");
  expect(texts.at(-1)).toContain("fails");
  const access = timeline.find(({ access }) => access?.kind === "thisCpuCmpxchg")?.access;
  expect(access?.name).toBe("cpu 0: freelist");
  expect(access?.stack[0]).toMatchObject({ function: "WithoutTid.swap" });
  const matters = timeline.filter((event) => event.matters !== undefined);
  expect(matters.length).toBeGreaterThan(0);
  expect(matters.length).toBeLessThan(timeline.length);
  for (const event of matters) {
    expect(timeline[event.matters as number]?.context).not.toBe(event.context);
  }
});

test("names and drawn values in a report may be read from the explored memory", () => {
  class Looks extends ToyWorld {
    override describe = (address: number) => {
      const first = this.memory.read32(this.toy.slabs()[0] as number);
      const draw = (value: number) => `${value} of ${this.memory.read32(address & ~3)}`;
      return { name: `${address} beside ${first}`, field: "word", draw };
    };
  }
  const scenario = { ...freeAgainstAlloc(KeepsTid), world: () => new Looks(KeepsTid, 1, 2) };
  const { failure } = explore({ ...scenario, search });
  expect(failure).toMatchObject({ class: "lost-object", preemptions: 2 });
  expect(replay(scenario, failure?.token ?? "").failure).toEqual(failure);
});

test("folding a timeline leaves out uninterrupted stretches only", () => {
  const { failure } = explore({ ...allocAgainstInterrupt(WithoutTid), search });
  const timeline = failure?.timeline ?? [];
  const rows = fold(timeline);
  expect(rows.length).toBeLessThan(timeline.length);
  const counted = rows.reduce((sum, row) => sum + ("event" in row ? 1 : row.folded), 0);
  expect(counted).toBe(timeline.length);
});

test("shrinking leaves an operation that the failure does not need out of the token", () => {
  const scenario = freeAgainstAlloc(KeepsTid);
  const [a, b] = scenario.contexts;
  const alloc = b?.operations[0];
  const longer: Exploration<ToyWorld, readonly number[]> = {
    ...scenario,
    contexts: [a!, { ...b!, operations: [alloc!, alloc!] }],
    search: { strategy: "pct", schedules: 50_000 },
  };
  const { failure } = explore(longer);
  expect(failure).toMatchObject({ class: "lost-object", preemptions: 2 });
  expect(failure?.token).toContain("free-against-alloc~1.1:");
});
