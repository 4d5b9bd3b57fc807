/** What users write, over nothing but the package. */

/** A pool that is used, and found empty again. */
export const USES_POOL = `
import { attach, boot, MIB } from "slablab";
const kernel = boot({ cpus: 2, memory: 16 * MIB });
const object = kernel.kzalloc(64);
kernel.view32(object)[0] = 42;
const other = attach(kernel.shared);
console.log(other.view32(object)[0]);
other.kfree(object);
`;

/** The scenario and the mutation that docs/laboratory-api.md shows. */
export const USES_LABORATORY = `
import { explore, replay } from "slablab/explore";
import { alloc, free, interrupt, type Mutation, on, onSlub, scenarioOf, type SlabScenario, task }
  from "slablab/laboratory";

export const trusting: Mutation = {
  id: "TRUSTING",
  title: "the slow path does not look again after it has disabled interrupts",
  commit: null,
  year: null,
  expect: ["lost-object"],
  change: onSlub((classes) => ({
    SlowAllocation: class extends classes.SlowAllocation {
      protected override recheckFreelist(): number {
        return 0;
      }
    },
  })),
};

const scenario: SlabScenario = {
  name: "interrupt-free",
  story: "An interrupt frees to a CPU's slab in which an allocation has found nothing.",
  machine: {},
  setup: on(0, alloc("a", 4)),
  contexts: [task("A", 0, alloc("x")), interrupt("irq", 0, free("a.0"))],
};

const sound = explore({ ...scenarioOf(scenario), search: { strategy: "bound", preemptions: 2 } });
const broken = { ...scenarioOf(scenario, trusting.change), search: { schedules: 10_000 } };
const { failure } = explore(broken);
const again = replay(broken, failure?.token ?? "").failure;
console.log(sound.failure, sound.complete?.preemptions, failure?.class, again?.class);
`;
export const LABORATORY_SAYS = "undefined 2 lost-object lost-object\n";

/** A user's own code over the seam, with a bug. */
export const USES_EXPLORER = `
import { explore, exploredMemory, smallMachine } from "slablab/explore";

const memory = exploredMemory(smallMachine(2));
const at = memory.layout.free;
const increment = { name: "increment", run: () => memory.writeOnce(at, memory.readOnce(at) + 1) };
const { failure } = explore({
  name: "counter",
  world: () => ({ memory }),
  contexts: [0, 1].map((cpu) => ({ name: "CPU " + cpu, cpu, operations: [increment] })),
  check: {
    atEnd: () => {
      if (memory.readOnce(at) !== 2) throw new Error("2 increments give " + memory.readOnce(at));
    },
  },
});
console.log(failure?.message);
`;
export const EXPLORER_SAYS = "Error: 2 increments give 1\n";

export const REQUIRES = `
const { boot, MIB } = require("slablab");
const { explore } = require("slablab/explore");
const { classesFor } = require("slablab/laboratory");
const { version } = require("slablab/package.json");
const kernel = boot({ cpus: 1, memory: 16 * MIB });
kernel.kfree(kernel.kmalloc(64));
console.log(typeof explore, classesFor("slab", "6.1").allocator, version);
`;
