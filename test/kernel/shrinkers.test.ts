/** Shrinkers of a program that throw, answer nonsense or call the kernel, in the middle of an allocation. */
import { afterEach, expect, test } from "vitest";
import { audit } from "../../src/check/audit.ts";
import { attach, boot, MIB } from "../../src/kernel/index.ts";
import { type Kernel, systemOf } from "../../src/kernel/kernel.ts";

const PAGES = 8192;
const EVERYTHING = 1_000_000;

/** What shrinkers have thrown: promises that nobody waits for. */
const rejected: unknown[] = [];
const listener = (error: unknown): void => {
  rejected.push(error);
};

afterEach(() => {
  process.off("unhandledRejection", listener);
});

/** Each of them in turn, and what it is to be told of. */
const SHRINKERS: Record<string, [(kernel: Kernel) => unknown, RegExp | undefined]> = {
  throws: [
    () => {
      throw new Error("of the shrinker");
    },
    /of the shrinker/,
  ],
  "answers text": [() => "many", /a shrinker answered "many"/],
  "answers a bigint": [() => 64n, /a shrinker answered 64n/],
  "never has enough": [() => Number.POSITIVE_INFINITY, /a shrinker answered Infinity/],
  detaches: [(kernel) => kernel.detach(), /detach inside of run/],
  "frees what is no object": [(kernel) => kernel.kfree(12_345_678), /is no object|not allocated/],
  "allocates and frees": [
    (kernel) => {
      kernel.kfree(kernel.kmalloc(64));
      return 1;
    },
    undefined,
  ],
  "asks for whole pages itself": [(kernel) => Math.min(kernel.kmalloc(PAGES), 0), undefined],
};

test.each(
  (["4.1", "6.1", "7.1"] as const).flatMap((version) =>
    Object.keys(SHRINKERS).map((name) => [version, name] as const),
  ),
)("%s: an allocation goes on where a shrinker %s", async (version, name) => {
  const [act, told] = SHRINKERS[name] as (typeof SHRINKERS)[string];
  process.on("unhandledRejection", listener);
  rejected.length = 0;
  const kernel = boot({ kernel: version, cpus: 2, memory: 16 * MIB, reserves: true });
  const { reserves } = kernel;
  if (reserves === undefined) throw new Error("booted with reserves");
  const { minFreeKbytes } = reserves;
  reserves.registerShrinker({
    count: () => act(kernel) as number,
    scan: () => -1,
  });
  reserves.minFreeKbytes = EVERYTHING;
  expect(kernel.kmalloc(PAGES)).toBe(0);
  // The task may use the reserves only while it reclaims.
  expect(reserves.allows(0)).toBe(false);
  reserves.minFreeKbytes = minFreeKbytes;
  await new Promise((resolve) => setImmediate(resolve));
  if (told === undefined) expect(rejected).toEqual([]);
  else expect(String(rejected[0])).toMatch(told);
  const other = attach(kernel.shared);
  for (const each of [kernel, other]) each.kfree(each.kmalloc(PAGES));
  expect(systemOf(kernel).memory.irqsDisabled()).toBe(false);
  expect(audit(systemOf(kernel))).toEqual([]);
});

test("what is no shrinker is refused", () => {
  const { reserves } = boot({ cpus: 1, memory: 16 * MIB, reserves: true });
  for (const seeks of [0, -1, Number.NaN]) {
    expect(() => reserves?.registerShrinker({ count: () => 0, scan: () => 0, seeks })).toThrow(
      "a shrinker has count(), scan() and seeks above 0",
    );
  }
});
