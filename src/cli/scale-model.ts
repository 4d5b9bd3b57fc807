// SPDX-License-Identifier: GPL-2.0-only
/** `slablab scale --model`: counts instead of times. */
import { isModelled, type ModelPoint, model } from "../../stress/model/model.ts";
import { PRICES } from "../../stress/model/prices.ts";
import { USUAL_SIZE } from "../../stress/scaling/plan.ts";
import { SUBJECTS, type SubjectInfo } from "../../stress/scaling/subjects/index.ts";
import type { Workload } from "../../stress/scaling/workload.ts";
import { SCALE_WORKLOADS } from "../../stress/scaling/workloads/index.ts";
import { DEFAULT_KERNEL, type KernelVersion } from "../caches/kernel-version.ts";
import { modelReport } from "../report/model-text.ts";
import { jsonDocument } from "./document.ts";

export interface ModelGiven {
  readonly allocators?: readonly string[];
  readonly workloads?: readonly string[];
  readonly cpus?: readonly number[];
  readonly sizes?: readonly number[];
  readonly kernels?: readonly KernelVersion[];
  readonly nodes?: number;
  /** ns. */
  readonly transfer?: number;
  readonly json?: true;
}

const USUAL_CPUS = [1, 2, 4, 8, 16];

/** The document or the tables. */
export function modelText(given: ModelGiven): string {
  const { transfer = PRICES.transfer } = given;
  const prices = { ...PRICES, transfer };
  const points = keysOf(given).map((key) => model(key, prices));
  return given.json ? document(given, points, prices) : modelReport(points);
}

function document(given: ModelGiven, points: readonly ModelPoint[], prices: object): string {
  return jsonDocument("scale-model", { ...given }, { prices, points });
}

function keysOf(given: ModelGiven) {
  const { cpus = USUAL_CPUS, sizes = [USUAL_SIZE], kernels = [DEFAULT_KERNEL], nodes = 1 } = given;
  const { allocators = [...SUBJECTS.keys()], workloads = [...SCALE_WORKLOADS.keys()] } = given;
  return allocators
    .flatMap((allocator) => kernels.map((kernel) => ({ allocator, kernel })))
    .flatMap((of) => workloads.map((name) => ({ ...of, workload: SCALE_WORKLOADS.get(name) })))
    .flatMap((of) => cpus.map((cpus) => ({ ...of, cpus, nodes: Math.min(nodes, cpus) })))
    .flatMap(({ allocator, workload, ...of }) => {
      const known = workload as Workload;
      const own = known.sizes === "mixed" ? [0] : sizes;
      const subject = SUBJECTS.get(allocator) as SubjectInfo;
      return own.map((size) => ({ subject, workload: known, size, ...of }));
    })
    .filter(isModelled);
}
