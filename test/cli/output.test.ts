import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { program, started } from "./commands.ts";

/** How a command ends whose output nobody reads, as after `| head`. */
async function unread(args: string[]) {
  const child = started(args);
  child.stdin.end();
  child.stdout.destroy();
  const [[code], err] = await Promise.all([once(child, "close"), text(child.stderr)]);
  return { code, err };
}

test.each([[["museum"]], [["stress", "--operations", "1000", "--cpus", "1", "--memory", "16M"]]])(
  "slablab %j ends with 0 and no complaint when its reader has gone",
  async (args) => {
    expect(await unread(args)).toEqual({ code: 0, err: "" });
  },
);

test("a search that finds a failure exits with 1 though its reader has gone", async () => {
  const args = ["explore", "interrupt-alloc", "--mutation", "S01", "--schedules", "400"];
  expect(await unread(args)).toEqual({ code: 1, err: "" });
});

test.skipIf(!existsSync("/dev/full"))(
  "an answer that a full disk does not take is one line of complaint and exit code 3",
  () => {
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(process.execPath, [program, "museum"], {
      stdio: ["ignore", full, "pipe"],
      encoding: "utf8",
    });
    closeSync(full);
    expect(status).toBe(3);
    expect(stderr).toMatch(/^slablab: the answer cannot be written: ENOSPC.*\n$/);
  },
);
