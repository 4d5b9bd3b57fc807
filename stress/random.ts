// SPDX-License-Identifier: GPL-2.0-only
import { xorshift32 } from "../src/machine/xorshift.ts";

/** Chance for workloads: a course of its own for each seed and task, the same on every run. */
export class Random {
  declare private state: number;

  constructor(seed: number, task: number) {
    this.state = (Math.imul(seed ^ 0x51ab1ab, 0x9e3779b1) ^ Math.imul(task + 1, 0x85ebca6b)) | 1;
    for (let i = 0; i < 8; i++) this.bits();
  }

  /** 32 bits. */
  private bits(): number {
    this.state = xorshift32(this.state);
    return this.state >>> 0;
  }

  /** A whole number from 0 up to but not including `n`. */
  below(n: number): number {
    return Math.floor((this.bits() / 2 ** 32) * n);
  }

  chance(probability: number): boolean {
    return this.bits() < probability * 2 ** 32;
  }

  /**
   * Pareto's law, as sizes of real allocations follow it: many small ones, few large ones. From
   * `least` on; the larger `shape`, the rarer the large ones.
   */
  pareto(least: number, most: number, shape: number): number {
    const u = (this.bits() + 1) / (2 ** 32 + 1);
    return Math.min(most, Math.floor(least / u ** (1 / shape)));
  }

  /** Takes one element out of a list without keeping its order. */
  pluck<T>(from: T[]): T {
    const at = this.below(from.length);
    const taken = from[at] as T;
    from[at] = from[from.length - 1] as T;
    from.length--;
    return taken;
  }
}
