// SPDX-License-Identifier: GPL-2.0-only
/**
 * Which CPUs have which cache line, by a MESI directory (Papamarcos and Patel 1984): a line is with
 * one CPU that may write it, or with several that have read it. A CPU that reads a line which another
 * has written, or writes one that others have, waits for a transfer. Caches are as large as the
 * memory, so the first touch of a line is no transfer, and none is ever lost for want of room.
 *
 * A transfer is needless where no CPU has written the wanted word since this CPU had the line last:
 * then only a neighbour on the same line was written (false sharing).
 */
import type { Address } from "../../src/machine/memory.ts";

const LINE_SHIFT = 6;
const LINE_WORDS = 16;

interface Line {
  /** The CPU that has it alone, -1: several have it. */
  owner: number;
  readonly holders: Set<number>;
  /** Writes to the line so far, and how many there had been when each word was last written. */
  writes: number;
  readonly writtenAt: number[];
  /** By CPU that has had the line: the writes until it was lost. */
  readonly lostAt: Map<number, number>;
  transfers: number;
  needless: number;
}

/** Of a line that moved: its first byte, and how often it did. */
export interface LineTraffic {
  readonly address: Address;
  readonly transfers: number;
  readonly needless: number;
}

export interface Transfer {
  /** From a CPU of another node. */
  readonly isFar: boolean;
}

const NEAR: Transfer = { isFar: false };
const FAR: Transfer = { isFar: true };

export class CacheLines {
  private readonly lines = new Map<number, Line>();
  private readonly nodeOf: (cpu: number) => number;

  constructor(nodeOf: (cpu: number) => number) {
    this.nodeOf = nodeOf;
  }

  /** The transfer that the access waits for; undefined: the CPU has the line. */
  read(cpu: number, address: Address): Transfer | undefined {
    const line = this.line(cpu, address);
    if (line.holders.has(cpu)) return undefined;
    const from = line.owner >= 0 ? line.owner : (line.holders.values().next().value as number);
    const transfer = this.moved(line, address, cpu, from);
    line.owner = -1;
    line.holders.add(cpu);
    return transfer;
  }

  write(cpu: number, address: Address): Transfer | undefined {
    const line = this.line(cpu, address);
    const isAlone = line.holders.size === 1 && line.holders.has(cpu);
    const others = [...line.holders].filter((holder) => holder !== cpu);
    for (const other of others) line.lostAt.set(other, line.writes);
    const transfer = isAlone
      ? undefined
      : this.moved(line, address, cpu, line.owner >= 0 ? line.owner : (others[0] as number));
    line.holders.clear();
    line.holders.add(cpu);
    line.owner = cpu;
    line.writtenAt[wordOf(address)] = ++line.writes;
    return transfer;
  }

  /** The lines that moved most often first. */
  traffic(): LineTraffic[] {
    return [...this.lines]
      .filter(([, { transfers }]) => transfers > 0)
      .map(([number, { transfers, needless }]) => ({
        address: number << LINE_SHIFT,
        transfers,
        needless,
      }))
      .sort((a, b) => b.transfers - a.transfers || a.address - b.address);
  }

  /** The counts begin anew; the CPUs keep what they have. */
  forget(): void {
    for (const line of this.lines.values()) {
      line.transfers = 0;
      line.needless = 0;
    }
  }

  private line(cpu: number, address: Address): Line {
    const number = address >>> LINE_SHIFT;
    let line = this.lines.get(number);
    if (line === undefined) {
      line = {
        ...{ owner: cpu, holders: new Set([cpu]), writes: 0, lostAt: new Map<number, number>() },
        ...{ writtenAt: new Array<number>(LINE_WORDS).fill(0), transfers: 0, needless: 0 },
      };
      this.lines.set(number, line);
    }
    return line;
  }

  private moved(line: Line, address: Address, cpu: number, from: number): Transfer {
    line.transfers++;
    const lost = line.lostAt.get(cpu);
    const isWanted = lost === undefined || (line.writtenAt[wordOf(address)] as number) > lost;
    if (!isWanted && !line.holders.has(cpu)) line.needless++;
    return this.nodeOf(cpu) === this.nodeOf(from) ? NEAR : FAR;
  }
}

function wordOf(address: Address): number {
  return (address >>> 2) & (LINE_WORDS - 1);
}
