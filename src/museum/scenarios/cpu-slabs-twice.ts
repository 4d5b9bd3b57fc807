/** What /sys/kernel/slab/<cache>/ tells of the CPUs' slabs, read while one is given up. */
import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, call, flushCpu, read, type Step } from "../../laboratory/steps.ts";
import { Page } from "../../pages/page.ts";
import { inuseOf } from "../../slub/counters.ts";
import { KmemCache, KmemCacheCpu } from "../../slub/structs.ts";

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

export const cpuSlabs = reading("cpu-slabs", read("cpu_slabs"));
export const cpuSlabsTwice = reading("cpu-slabs-unchecked", readTwice);
