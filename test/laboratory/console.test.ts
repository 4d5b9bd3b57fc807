import { expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { replay } from "../../src/explore/replay.ts";
import { withConsole } from "../../src/laboratory/console.ts";
import { on, scenarioOf, task } from "../../src/laboratory/scenario.ts";
import { alloc, failPage, free } from "../../src/laboratory/steps.ts";

const outOfMemory = scenarioOf({
  name: "says-so",
  story: "A slab cannot be had while another CPU frees.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a", 4), failPage(1, 9)),
  contexts: [task("A", 0, alloc("x", 1, -1, "must")), task("B", 1, free("a.0"))],
});

test("a replayed machine says each line once, however often its operations go on", () => {
  const search = { strategy: "bound", preemptions: 2, seconds: 30 } as const;
  const { failure } = explore({ ...outOfMemory, search });
  const said: string[] = [];
  const scenario = withConsole(outOfMemory, (line) => said.push(line));
  expect(replay(scenario, failure?.token ?? "").failure?.class).toBe("out-of-memory");
  expect(said).toEqual([
    "SLUB: Unable to allocate memory on node -1 (gfp=0xd0)",
    "  cache: scenario, object size: 1024, buffer size: 1024, default order: 0, min order: 0",
    "  node 0: slabs: 1, objs: 4, free: 0",
  ]);
});
