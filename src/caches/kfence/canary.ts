// SPDX-License-Identifier: GPL-2.0-only
/**
 * The canary bytes of KFENCE: all of an object's page that is not the object. A write to them is seen
 * when the object is freed. The pattern differs from byte to byte, so that copied bytes show, too.
 */
import { PAGE_SIZE } from "../../machine/machine.ts";
import type { Address, Memory } from "../../machine/memory.ts";
import { KfenceMeta, type KfenceMetaPtr, type KfencePool } from "./pool.ts";

const PATTERN = 0xaa;

export function canaryAt(address: Address): number {
  return PATTERN ^ (address & 7);
}

/** The same of the four bytes from a multiple of 4 on, the lowest first. */
function wordAt(address: Address): number {
  const byte = canaryAt(address);
  return byte | ((byte ^ 1) << 8) | ((byte ^ 2) << 16) | ((byte ^ 3) << 24);
}

function isWholeWord(at: Address, to: Address): boolean {
  return (at & 3) === 0 && at + 4 <= to;
}

export class Canary {
  declare private readonly memory: Memory;
  declare private readonly pool: KfencePool;

  constructor(memory: Memory, pool: KfencePool) {
    this.memory = memory;
    this.pool = pool;
  }

  /** What is left and right of an object, in its page. */
  private sides(meta: KfenceMetaPtr): readonly (readonly [from: Address, to: Address])[] {
    const page = this.pool.pageOf(meta);
    const object = this.memory.read32(meta + KfenceMeta.address);
    const size = this.memory.read32(meta + KfenceMeta.size);
    return [
      [page, object],
      [object + size, page + PAGE_SIZE],
    ];
  }

  /** set_canary */
  set(meta: KfenceMetaPtr): void {
    const { memory } = this;
    for (const [from, to] of this.sides(meta)) {
      for (let at = from; at < to; ) {
        if (isWholeWord(at, to)) {
          memory.write32(at, wordAt(at));
          at += 4;
        } else memory.write8(at, canaryAt(at++));
      }
    }
  }

  /** check_canary: the first byte of each side that is another one. */
  firstWrong(meta: KfenceMetaPtr): Address[] {
    const { memory } = this;
    return this.sides(meta).flatMap(([from, to]) => {
      for (let at = from; at < to; ) {
        if (isWholeWord(at, to) && memory.read32(at) === wordAt(at)) at += 4;
        else if (memory.read8(at) === canaryAt(at)) at++;
        else return [at];
      }
      return [];
    });
  }
}
