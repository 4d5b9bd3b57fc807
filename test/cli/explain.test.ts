import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { explanation } from "../../src/cli/explain.ts";
import type { OperationName } from "../../stress/control.ts";
import type { StressFailure } from "../../stress/failure.ts";
import type { StressOptions } from "../../stress/options.ts";

const OPTIONS: StressOptions = {
  allocator: "slub",
  kernel: "4.1",
  cpus: 2,
  nodes: 1,
  memory: 2 ** 24,
  seconds: 1,
  operations: undefined,
  workload: "mixed",
  seed: 7,
  ledger: true,
  interrupts: 0,
  migrations: 0,
  delays: 0,
  mutation: "R10",
  era: "fixed",
};

/** Of one task, and what it did last. */
function failureAfter(...names: OperationName[]): StressFailure {
  const operations = names.map((name) => ({
    cpu: 0,
    what: name,
    logged: { name, cpu: 0, argument: 64, object: 4096, inInterrupt: false },
  }));
  const lastOperations = [{ task: 0, operations }];
  return { class: "lost-object", message: "", task: 0, stack: "", findings: [], lastOperations };
}

const home = process.cwd();
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "slablab-"));
  process.chdir(folder);
});

afterEach(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
  vi.restoreAllMocks();
});

test("two failures of one seed become two scenario files, and no file is overwritten", async () => {
  writeFileSync("stress-7.txt", "mine");
  const first = await explanation(OPTIONS, failureAfter("kmalloc"), false);
  const second = await explanation(OPTIONS, failureAfter("kmem_cache_shrink"), false);
  expect(first).toContain("stress-7-2.txt\n  slablab explore stress-7-2.txt --mutation R10\n");
  expect(second).toContain("slablab explore stress-7-3.txt");
  expect(readdirSync(".").sort()).toEqual(["stress-7-2.txt", "stress-7-3.txt", "stress-7.txt"]);
  expect(readFileSync("stress-7.txt", "utf8")).toBe("mine");
  expect(readFileSync("stress-7-3.txt", "utf8")).toContain("shrink");
});

test("operations that no scenario can express are not searched", async () => {
  expect(await explanation(OPTIONS, failureAfter("kmem_cache_create"), true)).toBe("");
  expect(readdirSync(".")).toEqual([]);
});

// Where even root can write nothing.
test.skipIf(!existsSync("/proc/self"))(
  "a scenario that cannot be saved is printed, with the reason",
  async () => {
    process.chdir("/proc");
    const warning = vi.spyOn(console, "error").mockImplementation(() => {});
    const text = await explanation(OPTIONS, failureAfter("kmalloc"), false);
    expect(warning.mock.lastCall?.[0]).toMatch(
      /^slablab: the scenario is not saved: E[A-Z]+: .*stress-7\.txt/,
    );
    expect(text).toContain("to be saved as stress-7.txt\n\nscenario from-stress\n");
  },
);
