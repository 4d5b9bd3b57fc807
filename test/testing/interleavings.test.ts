/** Tests over interleavings, as a user's test runner runs them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { checkInterleavings, InterleavingError } from "../../src/testing/interleavings.ts";
import { outcomes } from "../../src/testing/outcomes.ts";
import { test as interleaved } from "../../src/testing/vitest.ts";

interleaved.interleavings("two atomic increments", {
  words: 1,
  tasks: {
    one: (words) => {
      Atomics.add(words, 0, 1);
    },
    other: (words) => {
      Atomics.add(words, 0, 1);
    },
  },
  check: (words) => expect(words[0]).toBe(2),
});

const lostUpdate = {
  name: "lost-update",
  words: 1,
  names: { count: 0 },
  tasks: {
    one: (words: Int32Array) => {
      words[0] = (words[0] as number) + 1;
    },
    other: (words: Int32Array) => {
      words[0] = (words[0] as number) + 1;
    },
  },
  check: (words: Int32Array) => expect(words[0]).toBe(2),
};
const sound = {
  ...lostUpdate,
  tasks: {
    one: (words: Int32Array) => Atomics.add(words, 0, 1),
    other: (words: Int32Array) => Atomics.add(words, 0, 1),
  },
};

/** Why the program fails as a test. */
function failure(program: Parameters<typeof checkInterleavings>[0]): string {
  try {
    checkInterleavings(program);
  } catch (thrown) {
    if (thrown instanceof InterleavingError) return thrown.message;
    throw thrown;
  }
  return "passes";
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "regressions-"));
  vi.spyOn(process, "cwd").mockReturnValue(folder);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe("a failing test", () => {
  test("prints seed, token, and a column a task", () => {
    const message = failure(lostUpdate);
    expect(message).toMatch(/^lost-update: \d+ schedules, seed 1\nexception: AssertionError/);
    expect(message).toContain("token: v1:lost-update:");
    expect(message).toMatch(/\| CPU 0 +\| CPU 1/);
    expect(message).toMatch(/\| {4,}.* \| +count = 1/);
  });

  test("is kept where SLABLAB_UPDATE asks for it, replayed first, and taken out when it passes", () => {
    vi.stubEnv("SLABLAB_UPDATE", "1");
    failure(lostUpdate);
    const path = join(folder, "regressions", "lost-update.tokens");
    expect(readdirSync(join(folder, "regressions"))).toEqual(["lost-update.tokens"]);
    vi.unstubAllEnvs();
    expect(failure(lostUpdate)).toContain("lost-update: a known failure is back");
    // What no longer fits is no failure, and stays until it is taken out.
    expect(failure(sound)).toBe("passes");
    expect(readFileSync(path, "utf8")).toContain("v1:lost-update:");
    vi.stubEnv("SLABLAB_UPDATE", "1");
    expect(failure(sound)).toBe("passes");
    expect(readdirSync(join(folder, "regressions"))).toEqual([]);
  });

  test("that was not searched to its bound says how far it came", () => {
    expect(failure({ ...sound, schedules: 1 })).toMatch(
      /ended before it was complete: 1 schedules/,
    );
  });

  test("whose tasks share nothing could not have failed", () => {
    const alone = { words: 2, tasks: { one: () => 1, other: () => 2 } };
    expect(failure(alone)).toContain("no conflicting accesses");
  });

  test("a token file that holds something else is passed over", () => {
    vi.stubEnv("SLABLAB_UPDATE", "1");
    failure(lostUpdate);
    writeFileSync(join(folder, "regressions", "lost-update.tokens"), "nonsense\n");
    vi.unstubAllEnvs();
    expect(failure(sound)).toBe("passes");
  });
});

describe("outcomes", () => {
  const storeBuffering = {
    words: 2,
    tasks: {
      one: (words: Int32Array) => {
        words[0] = 1;
        return words[1];
      },
      other: (words: Int32Array) => {
        words[1] = 1;
        return words[0];
      },
    },
  };
  const all = { "0, 1": "expected", "1, 0": "expected", "1, 1": "expected" } as const;

  test("are counted, and are those that interleaving allows", () => {
    const table = outcomes(storeBuffering, { ...all, "0, 0": "forbidden" });
    const came = [...table].filter(([, { count }]) => count > 0).map(([outcome]) => outcome);
    expect(came.sort()).toEqual(Object.keys(all).sort());
  });

  test.each([
    ["a forbidden outcome", { ...all, "1, 1": "forbidden" }, /1, 1 +\d+ {2}forbidden {2}!!!/],
    ["an outcome that is not named", { "0, 1": "expected", "1, 0": "expected" }, /1, 1 .*!!!/],
    [
      "an expected one that never comes",
      { ...all, "0, 0": "expected" },
      /0, 0 +0 {2}expected.*!!!/,
    ],
  ] as const)("%s fails with the table", (_what, expected, row) => {
    expect(() => outcomes(storeBuffering, expected)).toThrow(row);
  });

  test("an interesting one may come or not", () => {
    expect(() =>
      outcomes(storeBuffering, { ...all, "1, 1": "interesting", "0, 0": "interesting" }),
    ).not.toThrow();
  });
});
