import { expect, test } from "vitest";
import { Pages } from "../../src/pages/pages.ts";
import { newMachine, observe } from "../machine/machines.ts";
import { onWorkers } from "../machine/threads.ts";
import { freeBlocks, MIB } from "./machine.ts";

const hammer = new URL("./workers/hammer.ts", import.meta.url);

test.each([
  ["two CPUs", "hammer", 2, 2],
  ["four tasks on two CPUs under torture", "tortured", 2, 4],
])(
  "%s hand blocks to each other, never hold one twice, and give all back",
  async (_, job, cpus, tasks) => {
    const shared = newMachine({ cpus, nodes: 2, tasks: tasks + 1, memory: 8 * MIB });
    const { memory, machine } = observe(shared);
    const pages = new Pages(machine);
    memory.enterCpu(0);
    pages.init();
    memory.leaveCpu();
    const before = freeBlocks({ pages });
    const jobs = Array.from({ length: tasks }, () => ({ job, argument: 20_000 }));
    await onWorkers(hammer, shared, jobs);
    expect(pages.checkBuddy()).toEqual([]);
    expect(pages.freePagesTotal()).toBe(pages.totalPages());
    expect(freeBlocks({ pages })).toEqual(before);
  },
);
