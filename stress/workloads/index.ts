// SPDX-License-Identifier: GPL-2.0-only
/** The workloads by name; the first is the default. */
import { burst } from "./burst.ts";
import { churn } from "./churn.ts";
import { few } from "./few.ts";
import { larson } from "./larson.ts";
import { mixed } from "./mixed.ts";
import { numa } from "./numa.ts";
import { pairs } from "./pairs.ts";
import { pressure } from "./pressure.ts";
import { producerConsumer } from "./producer-consumer.ts";
import { tune } from "./tune.ts";
import type { Workload } from "./workload.ts";

export type { Workload };

const ALL = [mixed, pairs, producerConsumer, larson, burst, numa, churn, pressure, few, tune];

export const WORKLOADS: ReadonlyMap<string, Workload> = new Map(
  ALL.map((workload) => [workload.name, workload]),
);
