import { once } from "node:events";
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import type { TopOptions } from "../../src/cli/options/top.ts";
import { type Terminal, Top } from "../../src/cli/top.ts";
import { slablab } from "./commands.ts";

const top = (...args: string[]) => slablab(["top", ...args]);

test("slablab top --once prints one picture of a run in progress", async () => {
  const { out, err, code } = await top("--once", "--seconds", "2", "--sort", "n");
  expect([err, code]).toEqual(["", 0]);
  expect(out).toMatch(/^ Active \/ Total Objects \(% used\) +: [1-9]/);
  const names = [...out.matchAll(/^ +\d.* (\S+)$/gm)].map(([, name]) => name);
  expect(names).toContain("kmalloc-64");
  expect(names).toEqual([...names].sort());
});

test("slablab top refuses an unknown key and an unknown kernel", async () => {
  for (const args of [
    ["--sort", "x"],
    ["--kernel", "9.9"],
  ]) {
    const { out, err, code } = await top(...args);
    expect(out).toBe("");
    expect(err).toMatch(/^error: .+\n$/);
    expect(code).toBe(2);
  }
});

describe("on a terminal", () => {
  const OPTIONS: TopOptions = {
    allocator: "slab",
    kernel: "4.1",
    cpus: 2,
    nodes: 1,
    memory: 2 ** 24,
    workload: "mixed",
    // Longer than any test: pictures come from keys alone, and so does the end.
    seconds: 1000,
    delay: 1000,
    sort: "o",
  };

  class Keyboard extends PassThrough {
    readonly isTTY = true;
    isRaw = false;
    setRawMode(raw: boolean): this {
      this.isRaw = raw;
      return this;
    }
  }

  class Screen extends PassThrough {
    readonly isTTY = true;
    readonly rows = 20;
  }

  function running() {
    const [input, output] = [new Keyboard(), new Screen()];
    const terminal = { input, output } as unknown as Terminal;
    const interrupt = new AbortController();
    const top = new Top(OPTIONS, terminal);
    const end = top.show(interrupt.signal).then((outcome) => top.exitCode(outcome, 130));
    const picture = async () => String((await once(output, "data"))[0]);
    const press = (key: string) => {
      const next = picture();
      input.write(key);
      return next;
    };
    return { input, picture, press, interrupt, end };
  }

  /** What the lines of a picture say in a column; the name is the last. */
  function column(picture: string, at: number): string[] {
    const lines = picture.split("\n").slice(7, -1);
    return lines.map((line) => line.trim().split(/ +/).at(at) ?? "");
  }
  const falling = (values: string[]) => values.map(Number.parseFloat).sort((a, b) => b - a);

  test("each key sorts at once, a blank draws again, and q ends it", async () => {
    const { input, picture, press, end } = running();
    const first = await picture();
    expect(input.isRaw).toBe(true);
    expect(first.startsWith("\u001b[H\u001b[J Active / Total Objects")).toBe(true);
    expect(column(first, 0).map(Number)).toEqual(falling(column(first, 0)));
    // Of the 20 rows, 7 are the header's and one the cursor's.
    expect(column(first, 0)).toHaveLength(12);
    for (const [key, at] of Object.entries({ a: 1, u: 2, s: 3, l: 4, b: 5, c: 6 })) {
      const values = column(await press(key), at);
      expect(values.map(Number.parseFloat), key).toEqual(falling(values));
    }
    const names = column(await press("n"), -1);
    expect(names).toEqual([...names].sort());
    expect(column(await press(" "), -1)).toEqual(names);
    expect(column(await press("?"), -1)).toEqual(names);
    input.write("q");
    expect(await end).toBe(0);
    expect(input.isRaw).toBe(false);
  });

  test.each(["the key", "the signal"])("%s of Ctrl-C interrupts it", async (how) => {
    const { input, picture, interrupt, end } = running();
    await picture();
    if (how === "the key") input.write("\u0003");
    else interrupt.abort();
    expect(await end).toBe(130);
    expect(input.isRaw).toBe(false);
  });
});
