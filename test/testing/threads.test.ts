/** Tests whose tasks run on real threads. The threads load this file, too. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { checkInterleavings, type Interleavings } from "../../src/testing/interleavings.ts";
import { outcomes } from "../../src/testing/outcomes.ts";
import { test as interleaved } from "../../src/testing/vitest.ts";
import * as programs from "./programs.ts";

const { here: there, plain, counting } = programs;

const here = { ...there, module: import.meta.url };
const any = { "0, 1": "expected", "1, 0": "expected", "1, 1": "expected" } as const;

const atomic = {
  words: 2,
  tasks: {
    one: (words: Int32Array) => {
      Atomics.store(words, 0, 1);
      return Atomics.load(words, 1);
    },
    other: (words: Int32Array) => {
      Atomics.store(words, 1, 1);
      return Atomics.load(words, 0);
    },
  },
};

describe("the same table from the explorer and from threads:", () => {
  interleaved.outcomes("Atomics forbid 0, 0", atomic, { ...any, "0, 0": "forbidden" });
  interleaved.outcomes(
    "Atomics forbid 0, 0 on threads",
    { ...atomic, ...here },
    { ...any, "0, 0": "forbidden" },
  );

  test("every run is counted, and gives what the explorer finds under store buffers", () => {
    const expected = { ...any, "0, 0": "interesting" } as const;
    const explored = outcomes({ ...plain, memory: "tso" }, expected);
    const ran = outcomes({ ...plain, ...there }, expected);
    const came = [...ran].filter(([, { count }]) => count > 0).map(([outcome]) => outcome);
    expect([...explored.keys()]).toEqual(expect.arrayContaining(came));
    expect([...ran.values()].reduce((sum, { count }) => sum + count, 0)).toBe(there.schedules);
  });
});

interleaved.interleavings("buffers and lists of operations on threads", {
  ...here,
  buffers: { flag: 4, data: 8 },
  init: ({ data }) => new Float64Array(data).fill(7),
  tasks: {
    writer: [
      ({ data }) => new Float64Array(data).fill(8),
      ({ flag }) => Atomics.store(new Int32Array(flag), 0, 1),
    ],
    reader: ({ flag, data }) =>
      Atomics.load(new Int32Array(flag), 0) === 1 ? new Float64Array(data)[0] : 8,
  },
  check: ({ data }, { writer, reader }) => {
    expect([new Float64Array(data)[0], writer, reader]).toEqual([8, [[8], 1], 8]);
  },
});

interleaved.interleavings("calls on threads are linearizable", { ...counting, ...here });

/** Why the program fails as a test. */
function failure(program: object): string {
  try {
    checkInterleavings({ ...there, ...program } as Interleavings);
  } catch (thrown) {
    return String(thrown);
  }
  return "passes";
}

describe("what fails on threads is one line", () => {
  test.each([
    [
      "a check",
      programs.always,
      /always-fails, on real threads: run 1: AssertionError: expected 'this' to be/,
    ],
    [
      "calls that no order explains",
      programs.wrongCount,
      /run 1: not linearizable: no order of these calls/,
    ],
    ["a task that throws", programs.throwing, /threads: one, run 1: no such thing$/],
    [
      "a promise",
      programs.promised,
      /one, run 1: NotExplorable: one returned a promise: a task runs without/,
    ],
    [
      "a result that cannot be sent",
      programs.unsendable,
      /one: DataCloneError: .* could not be cloned\.$/,
    ],
    [
      "a deadlock",
      { ...programs.deadlock, seconds: 1 },
      /threads: one, run 1: no end in 1 seconds: a deadlock/,
    ],
    [
      "an async task",
      { ...plain, tasks: { one: async () => 1 } },
      /^NotExplorable: "one" is async/,
    ],
    [
      "an unknown mode",
      { ...plain, mode: "thread" },
      /^RangeError: mode is explorer or threads, not/,
    ],
    [
      "no file",
      { ...plain, module: undefined },
      /^RangeError: mode "threads" needs module: import/,
    ],
    [
      "a program of a test",
      { ...plain, name: "mine" },
      /no program "mine" to run on threads \(a thread/,
    ],
  ])("%s", (_what, program, said) => {
    expect(failure(program)).toMatch(said);
  });

  test("an outcome that is forbidden, with the runs in which it came", () => {
    const none = { "0, 1": "forbidden", "1, 0": "forbidden" } as const;
    expect(() => outcomes({ ...plain, ...there }, none)).toThrow(
      /outcome +runs +expectation\n(?: .*\n)* +[01], [01] +\d+ +forbidden {2}!!!/,
    );
  });

  const folder = mkdtempSync(join(tmpdir(), "threads-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("a file that is no module for Node", () => {
    const file = join(folder, "common.ts");
    writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }');
    writeFileSync(file, 'import "node:fs";\n');
    expect(failure({ ...plain, module: pathToFileURL(file).href })).toMatch(
      /a thread cannot load file:.*common\.ts: its package\.json has no "type": "module"$/,
    );
    rmSync(join(folder, "package.json"));
  });

  test("a file that Node cannot load", () => {
    const file = join(folder, "program.ts");
    writeFileSync(file, 'import "./other";\n');
    expect(failure({ ...plain, module: pathToFileURL(file).href })).toMatch(
      /a thread cannot load file:.*program\.ts: Error.*Cannot find module .*imports need their file/,
    );
  });
});

test("node:test has the same mode", () => {
  const file = new URL("./on-threads.ts", import.meta.url).pathname;
  const said = execFileSync(process.execPath, ["--test", "--test-reporter=tap", file], {
    encoding: "utf8",
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  expect(said).toMatch(/# pass 2\n# fail 0/);
});
