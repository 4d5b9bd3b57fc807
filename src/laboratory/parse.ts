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
import { Laboratory, type LaboratoryOptions } from "./laboratory.ts";
import { danglingReference, type PlacedStep } from "./references.ts";
import { sysfsComplaint } from "./run-step.ts";
import type { SetupStep, SlabContext, SlabScenario } from "./scenario.ts";
import type { Step } from "./steps.ts";
import { MOST, VERBS } from "./verbs.ts";
import type { EndsEmpty } from "./verdict.ts";
import { Words } from "./words.ts";

const LARGEST_OBJECT = 8192;
const LARGEST_ORDER = 3;

/** The text is not a scenario: says where, and what was expected. */
export class ScenarioError extends Error {
  constructor(file: string, line: number, word: string, why: string) {
    super(`${quoted(file)}:${line}: ${word === "" ? "" : `"${quoted(word)}": `}${why}`);
    this.name = "ScenarioError";
  }
}

/** What a sheaf of any cache has room for. */
const MOST_IN_SHEAF = 12;

/** The set-up or context to which the next steps belong. */
type Section = { readonly cpu: number } | (SlabContext & { operations: Step[][] });

class Parser {
  private readonly file: string;
  private line = 0;
  private name: string;
  private story = "";
  private machine: LaboratoryOptions = {};
  private readonly setup: SetupStep[] = [];
  private readonly contexts: (SlabContext & { operations: Step[][] })[] = [];
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
    this.refuseUnknownFiles();
    const { name, story, machine, setup, contexts, endsEmpty } = this;
    return { name, story, machine, setup, contexts, endsEmpty };
  }

  /** Files of sysfs, and the values written to them, are tried on a machine like the scenario's. */
  private refuseUnknownFiles(): void {
    const placed = [...this.placedSetup, ...this.placed.flat()].filter(
      ({ step: { verb } }) => verb === "read" || verb === "write",
    );
    if (placed.length === 0) return;
    const lab = new Laboratory(this.machine, (classes) => classes);
    for (const { line, step } of placed) {
      const complaint = sysfsComplaint(lab, step);
      if (complaint === undefined) continue;
      throw new ScenarioError(this.file, line, complaint.word, complaint.why);
    }
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
        "max_order",
        "merges",
        "survives_reports",
        "kasan",
        "kfence",
      ]);
      this.machine = { ...this.machine, ...this.machineSetting(what, words) };
    }
  }

  private machineSetting(
    what:
      | "cpus"
      | "nodes"
      | "allocator"
      | "kernel"
      | "swap"
      | "max_order"
      | "merges"
      | "survives_reports"
      | "kasan"
      | "kfence",
    words: Words,
  ): LaboratoryOptions {
    if (what === "cpus") return { cpus: words.number("cpus", 1, MAX_CPUS) };
    if (what === "nodes") return { nodes: words.number("nodes", 1, MAX_NUMNODES) };
    if (what === "allocator") return { allocator: words.oneOf("allocator", ALLOCATORS) };
    if (what === "kernel") return { kernel: words.oneOf("kernel", KERNEL_VERSIONS) };
    if (what === "max_order") return { maxOrder: words.number("max_order", 0, LARGEST_ORDER) };
    if (what === "merges") return { merges: true };
    if (what === "kasan") return { kasan: true };
    if (what === "kfence") return { kfence: words.number("kfence", 1, MOST) };
    if (what === "survives_reports") return { survivesReports: true };
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

  private parseStep(part: string): Step {
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
