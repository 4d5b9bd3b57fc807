import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { stressCommandLine } from "../../src/report/failure.ts";
import { commandLine } from "../../src/report/text.ts";

test("a printed command has the same words again when a shell reads it", () => {
  const words = ["v1:a~1.0:0@1x7", "my folder/it's.ts", "~", "$HOME", "", "a;b", "stress-7-2.txt"];
  const program = "process.stdout.write(JSON.stringify(process.argv.slice(1)))";
  const command = commandLine([process.execPath, "-e", program, "--", ...words]);
  expect(JSON.parse(execFileSync("sh", ["-c", command], { encoding: "utf8" }))).toEqual(words);
  expect(commandLine(["slablab", "replay", "two-cpus", "v1:two-cpus:3a:0x8.1x33"])).not.toContain(
    "'",
  );
});

test.each([
  [0.002, false],
  [0.01, true],
])("with --interrupts 0.01, --delays %s is said: %s", (delays, isSaid) => {
  const command = stressCommandLine({
    ...{ allocator: "slub", kernel: "4.1", workload: "mixed", cpus: 2, nodes: 1, memory: 2 ** 24 },
    ...{ seconds: 1, operations: undefined, interrupts: 0.01, migrations: 0, delays },
    ...{ mutation: undefined, era: "fixed", ledger: true, seed: 1 },
  });
  // What is left out is a fifth of --interrupts.
  expect(command.includes("--delays")).toBe(isSaid);
});
