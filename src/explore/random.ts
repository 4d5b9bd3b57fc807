// SPDX-License-Identifier: MIT
/** Random numbers for schedulers: each schedule draws from a stream of its own. */
import { xorshift32 } from "../machine/xorshift.ts";

export class RandomStream {
  private state = 1;

  /** Begins the stream of schedule `index` under `seed`. */
  restart(seed: number, index: number): void {
    let x = Math.imul(seed ^ 0x2545f491, 0x9e3779b1) + Math.imul(index + 1, 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
    x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
    this.state = x ^ (x >>> 15) || 1;
  }

  /** 32 random bits, as a non-negative number. */
  next(): number {
    this.state = xorshift32(this.state);
    return this.state >>> 0;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return this.next() % limit;
  }
}
