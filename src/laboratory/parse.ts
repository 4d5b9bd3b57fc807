// SPDX-License-Identifier: GPL-2.0-only
/**
 * A scenario as a text file, one item a line; `#` begins a comment, `;` joins steps to one operation:
 *
 *     scenario remote-free
 *     story CPU 1 frees into the slab that CPU 0 gives up.
 *     machine cpus 2 nodes 1 allocator slub
 *     cache size 1024 min_partial 0
 *     setup cpu 0
 *       alloc a 4
 *       free a.1-3
 *     task A cpu 0
 *       flush
 *     task B cpu 1 migrates
 *       free a.0; alloc x
 *     interrupt irq cpu 0
 *       alloc p
 *     ends empty
 */
import { ALLOCATORS, parseFlags, UnknownFlagError } from "../caches/flags.ts";
import { KERNEL_VERSIONS } from "../caches/kernel-version.ts";
import { MAX_CPUS } from "../machine/cpus.ts";
import { MAX_NUMNODES } from "../machine/machine.ts";
import { quoted } from "../machine/quoted.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import type { LaboratoryOptions } from "./laboratory.ts";
import { danglingReference, type PlacedStep, parseReference } from "./references.ts";
import type { SetupStep, SlabContext, SlabScenario } from "./scenario.ts";
import * as steps from "./steps.ts";
import type { EndsEmpty } from "./verdict.ts";

/** The text is not a scenario: says where, and what was expected. */
export class ScenarioError extends Error {
  constructor(file: string, line: number, word: string, why: string) {
    super(`${quoted(file)}:${line}: ${word === "" ? "" : `"${quoted(word)}": `}${why}`);
    this.name = "ScenarioError";
  }
}

/** The words of one line, taken one after the other. */
class Words {
  private readonly words: string[];
  private readonly refuse: (word: string, why: string) => never;
  private last = "";

  constructor(text: string, refuse: (word: string, why: string) => never) {
    this.words = text.split(/\s+/).filter((word) => word !== "");
    this.refuse = refuse;
  }

  get isEmpty(): boolean {
    return this.words.length === 0;
  }

  get rest(): string {
    return this.words.splice(0).join(" ");
  }

  next(what: string): string {
    const word = this.words.shift();
    if (word === undefined) return this.refuse(this.last, `${what} is missing after it`);
    this.last = word;
    return word;
  }

  /** A word that must be one of `known`. */
  oneOf<T extends string>(what: string, known: readonly T[]): T {
    const word = this.next(what);
    const found = known.find((one) => one === word);
    return found ?? this.refuse(word, `not a ${what}; known: ${known.join(", ")}`);
  }

  /** Takes the word if it comes next. */
  takes(word: string): boolean {
    if (this.words[0] !== word) return false;
    this.last = word;
    this.words.shift();
    return true;
  }

  number(what: string, least: number, most: number): number {
    const word = this.next(what);
    const value = /^\d+$/.test(word) ? Number(word) : Number.NaN;
    if (value >= least && value <= most) return value;
    return this.refuse(word, `${what} must be a whole number from ${least} to ${most}`);
  }

  optionalNumber(what: string, least: number, most: number, otherwise: number): number {
    return /^\d/.test(this.words[0] ?? "") ? this.number(what, least, most) : otherwise;
  }

  name(what: string): string {
    const word = this.next(what);
    if (/^[a-z]\w*$/i.test(word)) return word;
    return this.refuse(word, `${what} has letters and digits only`);
  }

  reference(): string {
    const word = this.next("an object");
    if (parseReference(word) !== undefined) return word;
    return this.refuse(word, "not an object: write a, a.1 or a.1-3");
  }

  ends(): void {
    const [word] = this.words;
    if (word !== undefined) this.refuse(word, "nothing more is expected here");
  }
}

const MOST = 4096;
/** What a sheaf of any cache has room for. */
const MOST_IN_SHEAF = 12;
const LARGEST_OBJECT = 8192;

type Verb = (words: Words) => steps.Step;

const VERBS: Readonly<Record<string, Verb>> = {
  alloc: (words) => {
    const name = words.name("a name");
    const count = words.optionalNumber("how many", 1, MOST, 1);
    const node = words.takes("node") ? words.number("a node", 0, MAX_NUMNODES - 1) : NUMA_NO_NODE;
    return steps.alloc(name, count, node);
  },
  free: (words) => steps.free(words.reference()),
  "bulk-alloc": (words) => steps.bulkAlloc(words.name("a name"), words.number("how many", 1, MOST)),
  "bulk-free": (words) => steps.bulkFree(words.reference()),
  flush: () => steps.flush(),
  "flush-cpu": () => steps.flushCpu(),
  shrink: () => steps.shrink(),
  destroy: () => steps.destroy(),
  "keep-none": () => steps.keepNone(),
  reap: () => steps.reap(),
  "rcu-barrier": () => steps.rcuBarrier(),
  "cpu-offline": (words) => steps.cpuOffline(words.number("a CPU", 0, MAX_CPUS - 1)),
  read: (words) => steps.read(words.next("a file of sysfs")),
  write: (words) => steps.write(words.next("a file of sysfs"), words.next("a value")),
  tune: (words) =>
    steps.tune(
      words.number("limit", 1, MOST),
      words.number("batchcount", 1, MOST),
      words.number("shared", 0, MOST),
    ),
};

/** The set-up or context to which the next steps belong. */
type Section = { readonly cpu: number } | (SlabContext & { operations: steps.Step[][] });

class Parser {
  private readonly file: string;
  private line = 0;
  private name: string;
  private story = "";
  private machine: LaboratoryOptions = {};
  private readonly setup: SetupStep[] = [];
  private readonly contexts: (SlabContext & { operations: steps.Step[][] })[] = [];
  private endsEmpty: EndsEmpty | undefined;
  private section: Section | undefined;
  /** All steps with their lines, to report where a name is wrong. */
  private readonly placedSetup: PlacedStep[] = [];
  private readonly placed: PlacedStep[][] = [];

  constructor(file: string) {
    this.file = file;
    this.name = file.replace(/^.*\//, "").replace(/\.\w+$/, "");
  }

  parse(text: string): SlabScenario {
    for (const line of text.split("\n")) {
      this.line++;
      const content = line.replace(/#.*/, "");
      if (content.trim() !== "") this.parseLine(content);
    }
    if (this.contexts.length === 0)
      this.refuse("", "there is no task: a scenario needs at least one");
    const dangling = danglingReference(this.placedSetup, this.placed);
    if (dangling !== undefined) {
      throw new ScenarioError(this.file, dangling.line, dangling.word, dangling.why);
    }
    const { name, story, machine, setup, contexts, endsEmpty } = this;
    return { name, story, machine, setup, contexts, endsEmpty };
  }

  private readonly refuse = (word: string, why: string): never => {
    throw new ScenarioError(this.file, this.line, word, why);
  };

  private parseLine(content: string): void {
    const words = new Words(content, this.refuse);
    const head = words.next("a word");
    const heads = this.heads();
    const parse = Object.hasOwn(heads, head) ? heads[head] : undefined;
    if (parse === undefined) {
      this.parseSteps(content, head);
      return;
    }
    parse(words);
    words.ends();
  }

  private heads(): Readonly<Record<string, (words: Words) => void>> {
    return {
      scenario: (words) => {
        this.name = words.next("a name");
        if (!/^[\w-]+$/.test(this.name)) this.refuse(this.name, "a name has letters, digits and -");
      },
      story: (words) => {
        this.story = words.rest;
      },
      machine: (words) => this.parseMachine(words),
      cache: (words) => this.parseCache(words),
      setup: (words) => {
        this.section = { cpu: this.cpu(words) };
      },
      task: (words) => this.begin(words, "task"),
      interrupt: (words) => this.begin(words, "interrupt"),
      ends: (words) => {
        words.oneOf("end", ["empty"]);
        this.endsEmpty = words.takes("by") ? this.byItself(words) : "shrunk";
      },
    };
  }

  private byItself(words: Words): EndsEmpty {
    words.oneOf("word after by", ["itself"]);
    return "by itself";
  }

  private cpu(words: Words): number {
    if (!words.takes("cpu")) return 0;
    return words.number("a CPU", 0, (this.machine.cpus ?? 1) - 1);
  }

  private parseMachine(words: Words): void {
    while (!words.isEmpty) {
      const what = words.oneOf("setting of the machine", [
        "cpus",
        "nodes",
        "allocator",
        "kernel",
        "swap",
      ]);
      this.machine = { ...this.machine, ...this.machineSetting(what, words) };
    }
  }

  private machineSetting(
    what: "cpus" | "nodes" | "allocator" | "kernel" | "swap",
    words: Words,
  ): LaboratoryOptions {
    if (what === "cpus") return { cpus: words.number("cpus", 1, MAX_CPUS) };
    if (what === "nodes") return { nodes: words.number("nodes", 1, MAX_NUMNODES) };
    if (what === "allocator") return { allocator: words.oneOf("allocator", ALLOCATORS) };
    if (what === "kernel") return { kernel: words.oneOf("kernel", KERNEL_VERSIONS) };
    return { swap: words.oneOf("swap", ["double", "slab_lock"]) };
  }

  private parseCache(words: Words): void {
    while (!words.isEmpty) {
      const what = words.oneOf("setting of the cache", [
        "size",
        "flags",
        "min_partial",
        "cpu_partial",
        "sheaf_capacity",
      ]);
      this.machine = { ...this.machine, ...this.cacheSetting(what, words) };
    }
  }

  private cacheSetting(
    what: "size" | "flags" | "min_partial" | "cpu_partial" | "sheaf_capacity",
    words: Words,
  ): LaboratoryOptions {
    if (what === "size") return { size: words.number("size", 8, LARGEST_OBJECT) };
    if (what === "min_partial") return { minPartial: words.number("min_partial", 0, MOST) };
    if (what === "cpu_partial") return { cpuPartial: words.number("cpu_partial", 0, MOST) };
    if (what === "sheaf_capacity") {
      return { sheafCapacity: words.number("sheaf_capacity", 1, MOST_IN_SHEAF) };
    }
    const written = words.next("flags");
    try {
      return { flags: parseFlags("4.1", written) };
    } catch (error) {
      if (error instanceof UnknownFlagError) return this.refuse(written, error.message);
      throw error;
    }
  }

  private begin(words: Words, kind: "task" | "interrupt"): void {
    const name = words.next("a name");
    const cpu = this.cpu(words);
    const migrates = kind === "task" && words.takes("migrates");
    const context = { name, kind, cpu, migrates, operations: [] };
    this.contexts.push(context);
    this.placed.push([]);
    this.section = context;
  }

  private parseSteps(content: string, head: string): void {
    const { section } = this;
    const operation = content
      .split(";")
      .filter((part) => part.trim() !== "")
      .map((part) => this.parseStep(part));
    const placed = operation.map((step) => ({ line: this.line, step }));
    if (section === undefined) {
      this.refuse(head, "steps come after a line with setup, task or interrupt");
    } else if ("operations" in section) {
      section.operations.push(operation);
      this.placed.at(-1)?.push(...placed);
    } else {
      this.placedSetup.push(...placed);
      this.setup.push(...operation.map((step) => ({ cpu: section.cpu, step })));
    }
  }

  private parseStep(part: string): steps.Step {
    const words = new Words(part, this.refuse);
    const verb = words.next("a verb");
    const parse = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
    if (parse === undefined) {
      const known = [...Object.keys(this.heads()), ...Object.keys(VERBS)].join(", ");
      return this.refuse(verb, `unknown word; known: ${known}`);
    }
    const step = parse(words);
    words.ends();
    return step;
  }
}

/** @throws ScenarioError naming file, line and word. */
export function parseScenario(file: string, text: string): SlabScenario {
  return new Parser(file).parse(text);
}
