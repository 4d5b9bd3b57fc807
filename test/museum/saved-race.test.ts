import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { checkout } from "../cli/commands.ts";

const mutation = fileURLToPath(new URL("./mutations/list-without-lock.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "slablab-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The program, run in a folder of its own. */
function slablab(...args: readonly string[]): { out: string; err: string; code: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [checkout, ...args], {
    cwd: folder,
    encoding: "utf8",
  });
  return { out: stdout, err: stderr, code: status };
}

const search = ["explore", "remote-free-deactivate", "--mutation", mutation, "--seed", "1"];
const saved = join("regressions", "race.json");

test("a saved data race is tried first by the next search and replayed by the printed command", () => {
  const found = slablab(...search, "--races", "--schedules", "4000", "--out", saved, "--json");
  expect(JSON.parse(found.out).failure.class).toBe("data-race");
  const again = slablab(...search, "--seconds", "1");
  expect(again.err).toBe("");
  expect(again.out).toContain(`a saved failure, ${saved}, still fails`);
  const [, command = ""] = /^replay: slablab (.*)$/m.exec(again.out) ?? [];
  expect(command).toContain("--races");
  const replays = [slablab(...command.split(" ")), slablab("replay", saved)];
  for (const { out, err, code } of replays) {
    expect({ err, code }).toEqual({ err: "", code: 1 });
    // Both accesses, each with its value and the way to it.
    const accesses = out.match(/^ {2}\w+ by \w on CPU \d, in .* (?:=|->) .*\n(?: {6}.*:\d+\n)+/gm);
    expect(accesses).toHaveLength(2);
  }
});
