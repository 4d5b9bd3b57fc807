import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { slablab } from "../cli/commands.ts";
import { end, Server, serverProgram } from "./server.ts";

const where =
  serverProgram === undefined
    ? "on a queue (left out: no redis-server and no valkey-server is installed)"
    : "on a queue";

const folder = mkdtempSync(join(tmpdir(), "slablab-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const PATIENCE_MS = 120_000;

describe.skipIf(serverProgram === undefined)(where, { timeout: PATIENCE_MS }, () => {
  let server: Server;
  beforeAll(async () => {
    server = await Server.create();
  });
  afterEach(() => server.endWorkers());
  afterAll(() => server.close());

  const json = async (words: string[]) => JSON.parse((await slablab([...words, "--json"])).out);
  const queued = (words: string[]) => json([...words, "--queue", server.url]);

  write("counter.ts", "export const add = (words: Int32Array): void => { words[0] += 1; };");
  const program = write(
    "counter.explore.ts",
    `
import { add } from "./counter.ts";
const check = (words: Int32Array) => { if (words[0] !== 2) throw new Error("lost"); };
export const lost = { words: 1, tasks: { one: add, other: add }, check };
export const kept = { words: 1, tasks: { one: add, other: () => {} } };
`,
  );
  const counter = write(
    "calls.explore.ts",
    `
import { add } from "./counter.ts";
export const counter = {
  words: 1,
  object: (words: Int32Array) => ({ add: () => add(words), read: () => words[0] }),
  spec: () => { let sum = 0; return { add() { sum++; }, read: () => sum }; },
  tasks: { one: [["add"]], two: [["read"]] },
};
`,
  );
  const mutation = write(
    "mine.ts",
    `
import type { Change } from "slablab/laboratory";
const change: Change = (classes) => ({
  ...classes,
  NodePartial: class extends classes.NodePartial {
    override add(): void {}
  },
});
export const mine = { id: "mine", title: "partial slabs are forgotten", change };
`,
  );

  test("explore, fuzz and museum run answer as in one process, with text of files sent along", async () => {
    await Promise.all([server.worker(), server.worker()]);
    const searches = [
      ["explore", "R01", "--strategy", "pct", "--schedules", "60", "--seed", "4"],
      [
        "explore",
        "remote-free-deactivate",
        "--mutation",
        mutation,
        "--schedules",
        "60",
        "--seed",
        "1",
      ],
      ["explore", program, "--schedules", "100", "--seed", "1"],
      ["fuzz", "--programs", "2", "--preemptions", "0", "--seed", "3"],
      ["fuzz", counter, "--programs", "12", "--seed", "3"],
      ["museum", "run", "R04"],
    ];
    for (const words of searches) {
      const whole = await json(words);
      expect(whole.answer).toMatch(/^[0-9a-f]{64}$/);
      expect((await queued(words)).answer).toBe(whole.answer);
    }
  });

  const long = ["explore", "two-cpus", "--strategy", "pct", "--schedules", "4000"];

  test("a worker that is killed loses nothing: its job is run by another", async () => {
    const words = [...long, "--seed", "1"];
    const [first] = await Promise.all([server.worker(), server.worker()]);
    const answer = queued(words);
    await server.running(2);
    await end(first as NonNullable<typeof first>, "SIGKILL");
    expect((await answer).answer).toBe((await json(words)).answer);
  });

  test("a server that breaks down and comes back with its log loses nothing", async () => {
    const words = [...long, "--seed", "2"];
    await server.worker();
    const answer = queued(words);
    await server.running(1);
    await server.breakDown();
    expect((await answer).answer).toBe((await json(words)).answer);
  });

  test("Ctrl-C ends a search on a queue, and its jobs are taken back", async () => {
    await server.worker();
    const words = [...long, "--seed", "3", "--queue", server.url];
    const answer = slablab(words);
    await server.running(1);
    process.emit("SIGINT");
    const { code, out } = await answer;
    expect(code).toBe(130);
    expect(out).toContain("interrupted");
    for (const key of await server.client.keys("slablab:*:wait")) {
      expect(await server.client.llen(key)).toBe(0);
    }
  });

  test("workers of another version are named in one line", async () => {
    await server.client.set("slablab:alive:0123456789abcdef", "", "EX", 60);
    for (const key of await server.client.keys("slablab:alive:*")) {
      if (!key.endsWith(":0123456789abcdef")) await server.client.del(key);
    }
    const words = ["museum", "run", "R04", "--queue", server.url];
    const { code, err, out } = await slablab(words);
    expect(err).toMatch(
      /^error: .* are of another version of slablab: source 0123456789abcdef, not [0-9a-f]{16}\n$/,
    );
    expect([code, out]).toEqual([2, ""]);
    await server.client.del("slablab:alive:0123456789abcdef");
  });

  test("a module that the worker cannot load is one line", async () => {
    write("node_modules/only-here/index.js", "export const tasks = {};");
    write("node_modules/only-here/package.json", '{ "type": "module", "main": "index.js" }');
    const path = write(
      "needs.explore.ts",
      'import "only-here"; export const a = { words: 1, tasks: { b: () => {} } };',
    );
    await server.worker();
    const words = ["explore", path, "--schedules", "10", "--seed", "1", "--queue", server.url];
    const { code, err, out } = await slablab(words);
    expect(err).toMatch(/^error: .*needs\.explore\.ts cannot be loaded: .*only-here.*\n$/);
    expect([code, out]).toEqual([2, ""]);
  });
});

test.each([
  [["explore", "two-cpus", "--schedules", "4", "--queue", "redis://127.0.0.1:1"], "cannot reach"],
  [["worker", "--queue", "redis://127.0.0.1:1"], "cannot reach redis://127.0.0.1:1: connect"],
  [["worker", "--queue", "127.0.0.1"], "It must be redis://HOST"],
  [["worker"], "'--queue <url>' not specified"],
  [["worker", "--queue", "redis://127.0.0.1:1", "--threads", "0"], "--threads must be 1 or more"],
  [["explore", "two-cpus", "--queue", "redis://127.0.0.1:1"], "--queue needs --schedules"],
  [["fuzz", "--seconds", "1", "--queue", "redis://127.0.0.1:1"], "--queue needs --programs"],
  [
    ["museum", "run", "--live", "--queue", "redis://127.0.0.1:1"],
    "--live does not go with --queue",
  ],
])("slablab %j is refused with one line", async (words, reason) => {
  const { err, out, code } = await slablab(words);
  expect(err).toContain(reason);
  expect(err.trim().split("\n")).toHaveLength(1);
  expect([out, code]).toEqual(["", 2]);
});
