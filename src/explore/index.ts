// SPDX-License-Identifier: MIT
/**
 * The explorer as a library: your own code over shared memory, one access at a time, under every
 * schedule that a bound allows. docs/exports.md says what is stable.
 */
export type { FailureClass } from "../machine/kernel-bug.ts";
export { KernelBug } from "../machine/kernel-bug.ts";
export type { MachineOptions } from "../machine/machine.ts";
export type { Address, IrqFlags, Memory } from "../machine/memory.ts";
export type { Complete, Progress } from "./budget.ts";
export type { ContextKind, ContextSpec, Given, Operation } from "./context.ts";
export type { Exploration, ExploreResult, SearchOptions } from "./explore.ts";
export type { ExploredMemory } from "./explored-memory.ts";
export { type FoundClass, NotExplorable } from "./failure.ts";
export { explore, replay } from "./javascript/explore.ts";
export type {
  BufferSpecs,
  BuffersOf,
  BuffersProgram,
  MethodCall,
  Results,
  TaskOperation,
  WordsProgram,
} from "./javascript/program.ts";
export { SharedWords } from "./javascript/shared-words.ts";
export type { Strategy } from "./portfolio.ts";
export type { Scenario } from "./program.ts";
export type { Failure, Replayed } from "./replay.ts";
export type { TimelineAccess, TimelineEvent } from "./timeline.ts";
export { failureText } from "./timeline-text.ts";
export { TokenError } from "./token.ts";
export { type Described, exploredMemory, smallMachine, type World } from "./world.ts";
