/** The examples of docs/policies.md run as they are printed. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { parseScenario } from "../../src/laboratory/parse.ts";
import { scenarioOf } from "../../src/laboratory/scenario.ts";
import { runExample } from "./run-example.ts";

const page = readFileSync(new URL("../../docs/policies.md", import.meta.url), "utf8");
const example = (language: string): string =>
  new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? "";

test("the program of the page on policies sets a policy and a cpuset", async () => {
  const { stdout, stderr } = await runExample(example("js"));
  expect([stdout, stderr]).toEqual(["true true\n", ""]);
});

test("the scenario of the page on policies passes with all schedules of one preemption", () => {
  const scenario = scenarioOf(parseScenario("policies.md", example("text")));
  const search = { strategy: "bound", preemptions: 1, seconds: 30 } as const;
  expect(explore({ ...scenario, search })).toMatchObject({
    failure: undefined,
    complete: { preemptions: 1 },
  });
});
