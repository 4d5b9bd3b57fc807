/** Files that the user names and that cannot be read or written. */

import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { makeDirectory, readText, writeWhole } from "../../src/cli/files.ts";
import { slablab, started } from "./commands.ts";

const folder = await mkdtemp(join(tmpdir(), "slablab-"));
afterAll(() => rm(folder, { recursive: true }));

const place = (name: string) => join(folder, name);
await mkdir(place("directory"));
await writeFile(place("long.txt"), `scenario ${"x".repeat(5_000_000)}!\n`);
await writeFile(place("controls.txt"), "\u001b[31mred\u0007 1\n");

test.each([
  [["script", place("none")], /cannot read .*ENOENT/],
  [["script", place("directory")], /cannot read .*EISDIR/],
  [["explore", place("directory")], /cannot read .*EISDIR/],
  [["explore", place("none/x.txt")], /cannot read .*ENOENT/],
  [["explore", "/proc/self/mem"], /cannot read .*EIO/],
  [["replay", "/proc/self/mem", "v1:a:00000000:0x1"], /cannot read .*EIO/],
  [["replay", place("none.json")], /none\.json: ENOENT/],
  [["scale", "--compare", place("none")], /cannot read .*ENOENT/],
  [["stress", "--mutation", place("none.ts")], /none\.ts cannot be loaded/],
])("%j is bad usage, in one line", async (args, says) => {
  const { code, out, err } = await slablab(args);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toMatch(says);
  expect(err).toMatch(/^error: .*\n$/);
});

test.each([
  ["explore", place("long.txt")],
  ["script", place("long.txt")],
  ["replay", place("long.txt"), "v1:a:00000000:0x1"],
  ["explore", place("controls.txt")],
  ["script", place("controls.txt")],
  ["stress", "--seed", "1 ".repeat(5000)],
])("%.60s of a strange file is told briefly and without control characters", async (...args) => {
  const { code, err } = await slablab(args);
  expect(code).toBe(2);
  expect(err.length).toBeLessThan(700);
  expect(err.trimEnd()).not.toMatch(/\p{Cc}/u);
});

test("a script comes through a pipe at its own pace", async () => {
  const child = started(["script", "-"]);
  const out = text(child.stdout);
  const err = text(child.stderr);
  for (const part of ["C demo 256 0", " 0 0\nA 2", "\nS end\n"]) {
    // No waiting for a thread: this is how slowly the writer writes.
    await delay(300);
    child.stdin.write(part);
  }
  child.stdin.end();
  const [code] = await once(child, "close");
  expect({ code, err: await err }).toEqual({ code: 0, err: "" });
  expect(await out).toContain("\nS end\n");
});

test("what is no plain file can be read as well", async () => {
  expect(await readText("/proc/self/status")).toContain("Pid:");
  await expect(readText(place("directory"))).rejects.toThrow("EISDIR");
});

test.skipIf(!existsSync("/dev/full"))(
  "a page that cannot be written whole is removed, a device is not",
  async () => {
    expect(() => writeWhole("/dev/full", "page")).toThrow("ENOSPC");
    expect(existsSync("/dev/full")).toBe(true);
    await symlink("/dev/full", place("link.html"));
    expect(() => writeWhole(place("link.html"), "page")).toThrow("ENOSPC");
    writeWhole(place("page.html"), "page");
    expect(await readFile(place("page.html"), "utf8")).toBe("page");
  },
);

test("directories are made as far as they can be", () => {
  makeDirectory(place("one/two/three"));
  expect(existsSync(place("one/two/three"))).toBe(true);
  expect(() => makeDirectory("/proc/none/two")).toThrow("ENOENT");
});
