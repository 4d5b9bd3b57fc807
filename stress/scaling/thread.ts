// SPDX-License-Identifier: GPL-2.0-only
/** A thread of a measurement: makes its subject over the shared memory, and plays the points. */
import { withLedger } from "../../src/check/with-ledger.ts";
import { attach, systemOf, type ThreadBuild, threadOf } from "../../src/kernel/kernel.ts";
import { DirectMemory } from "../../src/machine/direct-memory.ts";
import { directMemory, Machine } from "../../src/machine/machine.ts";
import { Random } from "../random.ts";
import { ScaleControl } from "./control.ts";
import { Exchange } from "./exchange.ts";
import { loadedAnew } from "./fresh.ts";
import { measurePoint } from "./measure.ts";
import type { CpuPoint, PointPlan, ScaleStart } from "./protocol.ts";
import type { Subject } from "./subject.ts";
import { heapSubject } from "./subjects/heap.ts";
import { SUBJECTS, type SubjectInfo } from "./subjects/index.ts";
import { kernelSubject } from "./subjects/kernel.ts";
import { lockedSubject } from "./subjects/locked.ts";
import { nothing } from "./subjects/nothing.ts";
import { thingMalloc } from "./subjects/thing-malloc.ts";
import { tlsf } from "./subjects/tlsf.ts";
import { SCALE_WORKLOADS } from "./workloads/index.ts";

/**
 * How long a CPU may starve, in ms: many CPUs on few cores under one lock wait for as long as chance
 * has it, and that is a result and no deadlock.
 */
const STARVES_MS = 600_000;

/** The difference to the plain subject is the cost of statistics. */
class UncountedMemory extends DirectMemory {
  override thisCpuAdd(): void {}
}

/** Exported for the thread that boots, which must see the kernel as the others do. */
export function buildOf({ variant }: SubjectInfo): ThreadBuild {
  if (variant === "ledger") return { change: withLedger };
  return variant === "no-statistics" ? { memoryClass: UncountedMemory } : {};
}

export class ScaleTask {
  declare private readonly start: ScaleStart;
  declare private readonly control: ScaleControl;
  declare private readonly subjectOf: (size: number) => Subject;

  private constructor(
    start: ScaleStart,
    control: ScaleControl,
    subjectOf: (size: number) => Subject,
  ) {
    this.start = start;
    this.control = control;
    this.subjectOf = subjectOf;
  }

  /** @throws Error where the subject's package is not installed. */
  static async create(start: ScaleStart): Promise<ScaleTask> {
    const info = SUBJECTS.get(start.subject);
    if (info === undefined) throw new RangeError(`no subject ${start.subject}`);
    const { shared, cpus, caches } = start;
    if ("kernel" in shared) {
      const kernel = attach(shared.kernel, buildOf(info));
      threadOf(kernel).waitLimit = STARVES_MS;
      const control = new ScaleControl(systemOf(kernel).machine, cpus);
      return new ScaleTask(start, control, (size) =>
        kernelSubject(kernel, info.kind, caches, size),
      );
    }
    const memory = directMemory(shared.machine);
    memory.waitLimit = STARVES_MS;
    const control = new ScaleControl(new Machine(memory, shared.machine.options), cpus);
    return new ScaleTask(start, control, await peerSubject(info, start, control));
  }

  async measure(plan: PointPlan): Promise<CpuPoint> {
    const { start, control } = this;
    const workload = SCALE_WORKLOADS.get(plan.workload);
    if (workload === undefined) throw new RangeError(`no workload ${plan.workload}`);
    const { cpu, cpus, seed } = start;
    const subject = this.subjectOf(plan.size);
    const exchange = new Exchange(control, cpu, subject.mail);
    const random = new Random(seed, cpu);
    const context = { subject, exchange, random, cpu, cpus, size: plan.size };
    return measurePoint(await loadedAnew(workload, plan.number), context, control, plan);
  }
}

async function peerSubject(
  info: SubjectInfo,
  start: ScaleStart,
  control: ScaleControl,
): Promise<() => Subject> {
  const { shared, cpu, tlsfModule, mail } = start;
  if (info.kind === "heap") return () => heapSubject(mail);
  if (!("machine" in shared)) throw new RangeError(`${info.name} needs a bare machine`);
  if (info.kind === "thing-malloc") {
    const allocator = await thingMalloc(shared.machine, cpu === 0);
    return () => lockedSubject(control, allocator);
  }
  if (tlsfModule !== undefined) {
    const allocator = tlsf(shared.machine, tlsfModule, cpu === 0);
    return () => lockedSubject(control, allocator);
  }
  return () => nothing;
}
