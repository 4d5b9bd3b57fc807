import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { answerLines } from "../../src/cli/geometry.ts";
import { geometry } from "../../src/kernel/geometry.ts";
import { processOf, slablab, started } from "./commands.ts";

const run = (args: string[]) => slablab(["geometry", ...args]);

async function answered(input: string[], defaults = {}): Promise<unknown[]> {
  async function* chunks() {
    yield* input;
  }
  let out = "";
  for await (const chunk of answerLines(chunks(), defaults)) out += chunk;
  return out
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

describe("slablab geometry --stdin", () => {
  const row = (size: number) => geometry({ size });

  test("answers one line a line, in order, wherever the input is cut", async () => {
    const lines = '{"size":8}\n{"size":100}\r\n{"size":192}';
    const expected = [row(8), row(100), row(192)];
    expect(await answered([lines])).toEqual(expected);
    expect(await answered([`${lines}\n`])).toEqual(expected);
    expect(await answered([...lines])).toEqual(expected);
    expect(await answered([])).toEqual([]);
  });

  test("puts an error in a broken line's place and goes on", async () => {
    expect(await answered(['{"size":8}\n{"size":\n\n[1]\n{"size":0}\n{"size":9}\n'])).toEqual([
      row(8),
      { error: expect.stringContaining("line 2 is not JSON") },
      { error: expect.stringContaining("line 3 is not JSON") },
      { error: "a request is a JSON object with at least a size, not a list" },
      { error: "size must be at least 1, not 0" },
      row(9),
    ]);
  });

  test("does not gather a line without end", async () => {
    const piece = "x".repeat(1 << 19);
    const input = [piece, piece, piece, piece, piece, `\n{"size":8}\n`, piece, piece, piece];
    expect(await answered(input)).toEqual([
      { error: "line 1 is too long" },
      row(8),
      { error: "line 3 is too long" },
    ]);
  });

  test("takes what a line leaves out from the options", async () => {
    const defaults = { kernel: "6.1", cpus: 16 } as const;
    expect(await answered(['{"size":64}\n{"size":64,"kernel":"4.1"}\n'], defaults)).toEqual([
      geometry({ size: 64, kernel: "6.1", cpus: 16 }),
      geometry({ size: 64, kernel: "4.1", cpus: 16 }),
    ]);
  });

  test("reads no further than it can write", async () => {
    let read = 0;
    async function* endless() {
      for (;;) {
        read++;
        yield '{"size":8}\n';
      }
    }
    const answers = answerLines(endless());
    for (let i = 0; i < 10; i++) await answers.next();
    expect(read).toBeLessThanOrEqual(11);
    await answers.return(undefined);
  });

  test("works as a process, and ends quietly when its reader does", async () => {
    const many = '{"size":8}\n'.repeat(20_000);
    const { out, code } = await processOf(["geometry", "--stdin"], many);
    expect(out.split("\n")).toHaveLength(20_001);
    expect(code).toBe(0);

    const child = started(["geometry", "--stdin"]);
    child.stdin.on("error", () => {});
    child.stdin.write(many);
    await once(child.stdout, "data");
    child.stdout.destroy();
    const [[closed], err] = await Promise.all([once(child, "close"), text(child.stderr)]);
    expect({ closed, err }).toEqual({ closed: 0, err: "" });
  });
});

describe("slablab geometry", () => {
  test("prints a readable row", async () => {
    const { out, code } = await run(["--size", "100", "--flags", "HWCACHE_ALIGN"]);
    expect(out).toMatch(/^slab_size +128 {2}bytes from one object to the next$/m);
    expect(out).toMatch(/^out_flags +1073750016 {2}SLAB_HWCACHE_ALIGN$/m);
    expect(code).toBe(0);
  });

  test("prints one JSON document with the row's columns", async () => {
    const args = ["--allocator", "slab", "--size", "700", "--param", "slab_max_order=2"];
    const { out, code } = await run([...args, "--config", "DEBUG_SLAB", "--cpus", "4", "--json"]);
    expect(code).toBe(0);
    const params = { slab_max_order: "2" };
    expect(JSON.parse(out)).toMatchObject({
      schema: "slablab/geometry/1",
      environment: { platform: process.platform },
      options: { allocator: "slab", size: 700 },
      ...geometry({ allocator: "slab", size: 700, cpus: 4, params, config: ["DEBUG_SLAB"] }),
    });
  });

  test("says why a kernel would refuse, which is an answer", async () => {
    const { out, code } = await run(["--size", "5000000"]);
    expect(out).toBe("kmem_cache_create fails: no slab holds one object (-EINVAL)\n");
    expect(code).toBe(0);
  });

  test.each([
    [["--size", "0"], "error: size must be at least 1, not 0\n"],
    [["--size", "8", "--align", "-8"], "error: align must be at least 0, not -8\n"],
    [["--size", "8", "--flags", "FOO"], 'error: unknown flag "FOO"; kernel 4.1 has'],
    [["--size", "8", "--param", "slub_foo"], 'error: unknown boot parameter "slub_foo"'],
    [["--size", "8", "--config", "X"], "argument 'X' is invalid. There are DEBUG_SLAB, "],
    [[], "error: geometry needs --size or --stdin\n"],
  ])("%j is bad usage, said in one line", async (args, message) => {
    const { out, err, code } = await run(args);
    expect({ out, code }).toEqual({ out: "", code: 2 });
    expect(err).toContain(message);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });

  test("shows examples in its help, each of which works", async () => {
    const { out, code } = await run(["--help"]);
    expect(code).toBe(0);
    const examples = out.match(/^ {2}slablab geometry --.*$/gm) ?? [];
    expect(examples.length).toBeGreaterThan(3);
    for (const example of examples) {
      const args = example.trim().split(" ").slice(2);
      expect(await run(args)).toMatchObject({ err: "", code: 0 });
    }
  });
});
