// SPDX-License-Identifier: GPL-2.0-only
import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, call, flushCpu, read, type Step } from "../../laboratory/steps.ts";
import { Page } from "../../pages/page.ts";
import { inuseOf } from "../../slub/counters.ts";
import { KmemCache, KmemCacheCpu } from "../../slub/structs.ts";
import { bug } from "../exhibit.ts";

/** Objects in use there: asks for c->page, and once more to use it. */
const readTwice: Step = call("read cpu_slabs, c->page twice", ({ memory, s, slub, system }) => {
  let inUse = 0;
  const cpuSlab = memory.read32(s + KmemCache.cpuSlab);
  for (let cpu = 0; slub !== undefined && cpu < system.machine.options.cpus; cpu++) {
    const at = memory.perCpuPtr(cpuSlab, cpu) + KmemCacheCpu.page;
    if (memory.readOnce(at) === 0) continue;
    inUse += inuseOf(memory.readOnce(memory.readOnce(at) + Page.counters));
  }
  return { inUse: [inUse] };
});

const reading = (name: string, reader: Step): SlabScenario => ({
  name,
  story: "One CPU gives up its slab while another counts the CPUs' slabs.",
  machine: { cpus: 2 },
  setup: on(0, alloc("a")),
  contexts: [task("A", 0, flushCpu()), task("B", 1, reader)],
});

export const R14 = bug({
  id: "R14",
  title: "slub: avoid potential NULL dereference or corruption",
  commit: "bc6697d8a506",
  year: 2011,
  verification: "V2-",
  needs: "X",
  story: [
    "show_slab_objects tested whether another CPU has a slab, and read the pointer again to use it.",
    "The CPU gives up its slab between the two reads, and the reader follows NULL.",
    "The pointer is read once.",
  ],
  scenario: reading("cpu-slabs", read("cpu_slabs")),
  brokenScenario: reading("cpu-slabs-unchecked", readTwice),
  class: "bad-access",
  preemptions: 1,
});
