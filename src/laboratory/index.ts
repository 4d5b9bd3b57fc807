// SPDX-License-Identifier: GPL-2.0-only
/**
 * The laboratory as a library: scenarios over the real allocators, and mutations of them, ready for
 * the explorer. docs/exports.md says what is stable.
 */
export {
  type Change,
  type CommonClasses,
  classesFor,
  inTurn,
  NoSuchClass,
  onAllocator,
  onCommon,
  onSlab,
  onSlub,
  type SlabTable,
  type SlubTable,
  type SystemClasses,
} from "../kernel/classes.ts";
export type { Laboratory, LaboratoryOptions } from "./laboratory.ts";
export { type Mutation, mutate, NoMutation } from "./mutation.ts";
export { parseScenario, ScenarioError } from "./parse.ts";
export { printScenario } from "./print.ts";
export {
  interrupt,
  migratableTask,
  on,
  type SetupStep,
  type SlabContext,
  type SlabScenario,
  scenarioOf,
  task,
} from "./scenario.ts";
export { SCENARIOS } from "./scenarios/index.ts";
export {
  type AllocWish,
  alloc,
  type Bound,
  bulkAlloc,
  bulkFree,
  call,
  cpuOffline,
  cpuOnline,
  create,
  destroy,
  enter,
  failPage,
  failSlab,
  flush,
  flushCpu,
  free,
  freePages,
  group,
  hand,
  keepNone,
  kfreeRcu,
  kill,
  kmalloc,
  krealloc,
  leave,
  type Names,
  nodeOffline,
  nodeOnline,
  pages,
  poke,
  rcuBarrier,
  rcuLook,
  read,
  reap,
  type Step,
  type StepBody,
  shrink,
  synchronizeRcu,
  take,
  tune,
  work,
  write,
} from "./steps.ts";
export type { EndsEmpty } from "./verdict.ts";
