// SPDX-License-Identifier: MIT
/**
 * Builds a scenario of a program of unmodified JavaScript: a machine with one CPU a task, the buffers
 * in its memory, and the stand-ins through which the program reaches them.
 */
import type { Address } from "../../machine/memory.ts";
import { MIB } from "../../machine/units.ts";
import type { ContextSpec } from "../context.ts";
import type { ExploredMemory } from "../explored-memory.ts";
import type { Scenario } from "../program.ts";
import { type Described, exploredMemory, smallMachine, type World } from "../world.ts";
import { Buffers, roomFor } from "./buffers.ts";
import { type CheckedProgram, checked } from "./checked.ts";
import { DataViews } from "./data-views.ts";
import { exploredAtomics } from "./explored-atomics.ts";
import { History } from "./history.ts";
import { called, callsOf, checkLinearizable, textOf } from "./linearizability.ts";
import type { JavaScriptProgram, MethodCall, TaskOperation } from "./program.ts";
import { resultOf } from "./same.ts";
import { StandIns } from "./stand-ins.ts";
import { Views } from "./views.ts";
import { WaitList } from "./wait-list.ts";

const DEFAULT_SPINS = 8;
const LINE = 64;

/** A result, so that the engine freezes the box and not what is in it. */
class Boxed {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }

  toString(): string {
    return this.value === undefined ? "" : textOf(this.value);
  }
}

export class BuiltProgram {
  readonly scenario: Scenario<World, undefined>;
  private readonly program: CheckedProgram;
  private readonly memory: ExploredMemory;
  private readonly buffers: Buffers;
  private readonly history: History;
  private readonly waitList: WaitList;
  private readonly standIns: StandIns;
  private readonly shared: unknown;
  /** By task and operation, or call, of the present schedule. */
  private readonly results: unknown[][];

  /** @throws RangeError, NotExplorable for a program that cannot be explored. */
  constructor(given: JavaScriptProgram) {
    const program = checked(given);
    const tasks = program.tasks.length;
    const lengths = Object.values(program.buffers).map(({ byteLength }) => byteLength);
    const calls = program.tasks.reduce((sum, { steps }) => sum + steps.length, 0);
    const room = roomFor(lengths) + WaitList.roomFor(tasks) + History.roomFor(calls) + 3 * LINE;
    const small = smallMachine(tasks);
    const options = { ...small, memory: small.memory + Math.ceil(room / MIB) * MIB };
    const memory = exploredMemory(options, program.memory);
    memory.watchSpinning(program.spins ?? DEFAULT_SPINS);

    const buffersAt = roundUp(memory.layout.free);
    const waitListAt = roundUp(buffersAt + roomFor(lengths));
    const historyAt = roundUp(waitListAt + WaitList.roomFor(tasks));
    const buffers = new Buffers(memory, buffersAt, program.buffers, program.names);
    const waitList = new WaitList(memory, waitListAt, tasks);
    const views = new Views(memory, buffers);
    const dataViews = new DataViews(memory, buffers);
    const atomics = exploredAtomics(memory, views, waitList);

    this.program = program;
    this.memory = memory;
    this.buffers = buffers;
    this.history = new History(memory, historyAt);
    this.waitList = waitList;
    this.standIns = new StandIns(memory, { views, dataViews, atomics });
    this.results = program.tasks.map(() => []);
    this.shared = this.during(() => program.sharedOf(program.buffers));
    this.scenario = {
      name: program.name,
      world: () => ({ memory, describe: (address) => this.describe(address) }),
      setup: () => {
        buffers.fill();
        this.during(() => program.init?.(this.shared));
        return undefined;
      },
      contexts: program.tasks.map((_, task) => this.contextOf(task)),
      check: { atEnd: () => this.during(() => this.checkEnd()) },
      idle: () => waitList.expire(),
      seesResults: true,
      mayCatch: true,
    };
  }

  /** Runs `section`, in which operations run, with the stand-ins in place. */
  during<T>(section: () => T): T {
    return this.standIns.during(section);
  }

  /** @throws NotExplorable if the program went around the explorer. */
  checkUntouched(): void {
    this.buffers.checkUntouched();
  }

  private contextOf(task: number): ContextSpec<World, undefined> {
    const { name, steps, isCalls } = this.taskAt(task);
    // The check sees the results of all, so shrinking may leave none out.
    const isNeeded = true;
    const operations = isCalls
      ? [
          {
            name: steps.map((call) => callText(call as MethodCall)).join("; "),
            isNeeded,
            run: () => new Boxed(this.runCalls(task)),
          },
        ]
      : steps.map((operation, index) => ({
          name: steps.length === 1 ? name : `${name} ${index + 1}`,
          isNeeded,
          run: (_: World, given: { readonly results: readonly unknown[] }) =>
            this.runOperation(task, index, operation as TaskOperation<unknown>, given.results),
        }));
    return { name, cpu: task, operations };
  }

  private runOperation(
    task: number,
    index: number,
    operation: TaskOperation<unknown>,
    earlier: readonly unknown[],
  ): Boxed {
    const before = earlier.map((result) => (result as Boxed).value);
    const result = resultOf(this.taskAt(task).name, operation(this.shared, before));
    this.resultsOf(task)[index] = result;
    return new Boxed(result);
  }

  private runCalls(task: number): unknown[] {
    const { program, history } = this;
    const { name, steps } = this.taskAt(task);
    const object = program.object?.(this.shared) as object;
    const results = steps.map((step, call) => {
      const [method, ...args] = step as MethodCall;
      history.begins(task, call);
      const result = resultOf(name, called(object, method, args, program.spec !== undefined));
      history.ends(task, call);
      return result;
    });
    this.results[task] = results;
    return results;
  }

  private checkEnd(): void {
    const { program } = this;
    this.checkLinearizable();
    const named = program.tasks.map(({ name, isList }, task) => {
      const results = this.resultsOf(task);
      return [name, isList ? results : results[0]];
    });
    program.check?.(this.shared, Object.fromEntries(named));
  }

  private checkLinearizable(): void {
    const { spec } = this.program;
    if (spec === undefined) return;
    const calls = callsOf(this.history.events, (task, call) => {
      const { name, steps } = this.taskAt(task);
      const [method, ...args] = steps[call] as MethodCall;
      return { task: name, method, args, result: this.resultsOf(task)[call] };
    });
    checkLinearizable(calls, spec);
  }

  private describe(address: Address): Described {
    const { waitList, buffers, program } = this;
    const task = waitList.taskAt(address);
    if (task === undefined) {
      return buffers.describe(address) ?? { name: `0x${address.toString(16)}`, field: "machine" };
    }
    const place = waitList.placeOf(task);
    const where = place > 0 ? ` at ${buffers.describe(place)?.name}` : "";
    return { name: `a notify of ${program.tasks[task]?.name}${where}`, field: "notify" };
  }

  private taskAt(task: number): CheckedProgram["tasks"][number] {
    return this.program.tasks[task] as CheckedProgram["tasks"][number];
  }

  private resultsOf(task: number): unknown[] {
    return this.results[task] as unknown[];
  }
}

function roundUp(address: Address): Address {
  return Math.ceil(address / LINE) * LINE;
}

function callText([method, ...args]: MethodCall): string {
  return `${method}(${args.map(textOf).join(", ")})`;
}
