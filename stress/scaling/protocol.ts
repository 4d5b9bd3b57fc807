// SPDX-License-Identifier: GPL-2.0-only
/** The protocol between the main thread and the threads of a measurement. */
import type { RecordableHistogram } from "node:perf_hooks";
import type { MessagePort } from "node:worker_threads";
import type { SharedKernel } from "../../src/kernel/shared-kernel.ts";
import type { SharedMachine } from "../../src/machine/machine.ts";
import type { Address } from "../../src/machine/memory.ts";

/** A thread's start data: its CPU, its subject, and the memory. */
export interface ScaleStart {
  readonly port: MessagePort;
  readonly subject: string;
  readonly cpu: number;
  readonly cpus: number;
  readonly seed: number;
  /** Whether V8's inlining limits are raised. */
  readonly raised: boolean;
  /** Our subjects have a kernel; others live in a bare machine. */
  readonly shared: { readonly kernel: SharedKernel } | { readonly machine: SharedMachine };
  /** By size: the caches made beforehand. */
  readonly caches: ReadonlyMap<number, Address>;
  readonly tlsfModule: Uint8Array | undefined;
  /** By CPU, for a subject whose objects travel as messages. */
  readonly mail: readonly MessagePort[] | undefined;
}

/** One point, as every CPU of it is told. */
export interface PointPlan {
  /** Counts up from 0, the same on all CPUs. */
  readonly number: number;
  readonly workload: string;
  readonly size: number;
  /** Windows with preemption are thrown away; false where there are more CPUs than cores. */
  readonly discards: boolean;
  readonly windows: number;
  /** How long to warm up and how long to measure at most, in ms. */
  readonly warmUp: number;
  readonly patience: number;
  readonly latencies: boolean;
}

/** One CPU's windows of a point. */
export interface CpuPoint {
  /** ns per operation, one a window that counts. */
  readonly windows: readonly number[];
  /** ns per cas pair, one beside each window. */
  readonly casPairs: readonly number[];
  readonly discarded: number;
  /** Operations per second of wall time, preempted or not. */
  readonly rate: number;
  /** ns of single operations, where they can be told apart. */
  readonly latencies: RecordableHistogram | undefined;
}

/** The calls of workers/scale.ts. */
export interface ScaleThread {
  /** Resolves when the thread's subject is ready. */
  ready(): Promise<void>;
  /** All CPUs of a point are asked at once; each returns when all are done. */
  measure(plan: PointPlan): Promise<CpuPoint>;
}
