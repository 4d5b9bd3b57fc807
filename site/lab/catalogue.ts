// SPDX-License-Identifier: GPL-2.0-only
/** What the playground offers: the museum, the scenarios, and the structures of examples/. */
import { parseScenario } from "../../src/laboratory/parse.ts";
import { printScenario } from "../../src/laboratory/print.ts";
import type { SlabScenario } from "../../src/laboratory/scenario.ts";
import { SCENARIOS } from "../../src/laboratory/scenarios/index.ts";
import { EXHIBITS } from "../../src/museum/bugs/index.ts";
import type { Laboratory } from "./laboratory.ts";
import type { Choice } from "./protocol.ts";

const MOST_PREEMPTIONS = 2;

/** Of examples/structures: the file, what it is, and what to export of it. */
const STRUCTURES = [
  ["spsc-ring", "ring with a plain head", "ring(PlainHead)", "pso"],
  ["spsc-ring", "ring", "ring(Ring)", "pso"],
  ["treiber-stack", "Treiber's stack", "stack(Stack)", "sc"],
  ["queue", "Michael and Scott's queue that stores its link", "queue(StoresLink)", "sc"],
  ["seqlock", "sequence lock", "seqlock(read)", "pso"],
  ["mutual-exclusion", "Dekker's lock with plain accesses", "exclusion(dekker, plain)", "tso"],
  ["mutex", "Drepper's mutex", "mutex(Mutex)", "sc"],
] as const;

const COUNTER = `// Two tasks count. Nothing here knows that it is explored.
const increment = (words: Int32Array): void => {
  words[0] = words[0]! + 1; // Atomics.add(words, 0, 1) loses nothing
};

export default {
  words: 1,
  names: { count: 0 },
  tasks: { one: increment, other: increment },
  check: (words: Int32Array): void => {
    if (words[0] !== 2) throw new Error(\`2 increments give \${words[0]}\`);
  },
};
`;

/** Undefined: a step of it can only be said in TypeScript. */
function textOf(scenario: SlabScenario): string | undefined {
  const text = printScenario(scenario);
  try {
    parseScenario("playground", text);
  } catch {
    return undefined;
  }
  return text;
}

function fromMuseum(): Choice[] {
  return EXHIBITS.flatMap(({ id, title, scenario, brokenScenario, memory, preemptions }) => {
    const text = textOf(brokenScenario ?? scenario);
    if (text === undefined) return [];
    const about = { id, title: `${id} ${title}`, group: "Museum", kind: "scenario" } as const;
    return [{ ...about, text, bug: id, memory, preemptions }];
  });
}

function fromLaboratory(): Choice[] {
  return SCENARIOS.flatMap((scenario) => {
    const text = textOf(scenario);
    if (text === undefined) return [];
    const { name } = scenario;
    const about = { id: name, title: name, group: "Scenarios", kind: "scenario" } as const;
    return [{ ...about, text, bug: "", memory: "sc", preemptions: MOST_PREEMPTIONS } as const];
  });
}

function fromExamples(lab: Laboratory): Choice[] {
  const group = "Your own code";
  const common = { group, kind: "program", bug: "", preemptions: MOST_PREEMPTIONS } as const;
  const counter = {
    ...common,
    id: "counter",
    title: "counter",
    text: COUNTER,
    memory: "sc",
  } as const;
  const others = STRUCTURES.map(([file, title, program, memory]) => {
    const structure = lab.textOf(`examples/structures/${file}.ts`);
    const text = `${structure}\nexport default ${program};\n`;
    return { ...common, id: program, title, text, memory };
  });
  return [counter, ...others];
}

export function catalogue(lab: Laboratory): Choice[] {
  return [...fromMuseum(), ...fromExamples(lab), ...fromLaboratory()];
}
