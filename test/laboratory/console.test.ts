import { expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import { replay } from "../../src/explore/replay.ts";
import { withConsole } from "../../src/laboratory/console.ts";
import { on, scenarioOf, task } from "../../src/laboratory/scenario.ts";
import { alloc, call, failPage } from "../../src/laboratory/steps.ts";
import { KernelBug } from "../../src/machine/kernel-bug.ts";

/** A runs out of memory and says so; then B comes in the middle of A's operation, which goes on. */
const interrupted = scenarioOf({
  name: "says-so",
  story: "An operation that has printed something is interrupted.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a", 4), failPage(1, 9)),
  contexts: [
    task("A", 0, [
      alloc("x"),
      call("has begun", ({ memory }, names) => {
        const [word = 0] = names("a.0");
        memory.writeOnce(word, 1);
        return undefined;
      }),
      call("fails if seen", ({ memory }, names) => {
        const [word = 0] = names("a.0");
        if (memory.readOnce(word) === 2) throw new KernelBug("data-race", "seen");
        return undefined;
      }),
    ]),
    task("B", 1, [
      call("looks", ({ memory }, names) => {
        const [word = 0] = names("a.0");
        if (memory.readOnce(word) === 1) memory.writeOnce(word, 2);
        return undefined;
      }),
    ]),
  ],
});

test("a replayed machine says each line once, though its operation runs again to go on", () => {
  const search = { strategy: "bound", preemptions: 1, seconds: 30 } as const;
  const { failure } = explore({ ...interrupted, search });
  const said: string[] = [];
  const scenario = withConsole(interrupted, (line) => said.push(line));
  expect(replay(scenario, failure?.token ?? "").failure?.class).toBe("data-race");
  expect(said).toEqual([
    "SLUB: Unable to allocate memory on node -1 (gfp=0xd0)",
    "  cache: scenario, object size: 1024, buffer size: 1024, default order: 0, min order: 0",
    "  node 0: slabs: 1, objs: 4, free: 0",
  ]);
});
