/** The tokens in the docs and in the help of commands work: each replays a failure. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { replay } from "../../src/explore/replay.ts";
import { scenarioOfSubject } from "../../src/museum/subject.ts";

test.each([
  ["../../docs/exploring.md", "R01"],
  ["../../src/cli/options/replay.ts", "S01"],
])("the token that %s shows replays %s", async (file, mutation) => {
  const text = readFileSync(fileURLToPath(new URL(file, import.meta.url)), "utf8");
  const [token = "", scenario = ""] = /v1:([\w-]+):\S+/.exec(text) ?? [];
  const { failure } = replay(await scenarioOfSubject({ scenario, mutation }), token);
  expect(failure?.class).toBeDefined();
});
