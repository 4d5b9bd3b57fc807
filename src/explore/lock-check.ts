// SPDX-License-Identifier: MIT
/**
 * The lock order of the running operation. What the log recalls has been checked before, and the
 * class word of a lock that was dropped since may be anything by now: it is only noted.
 */
import { HeldLocks } from "../machine/held-locks.ts";
import type { LockClass } from "../machine/lock-classes.ts";
import type { Address, Memory } from "../machine/memory.ts";
import { classNumberIn, SpinLock } from "../machine/spinlock.ts";
import type { AccessLog } from "./access-log.ts";
import { framesHere, placeText } from "./stack.ts";
import type { StopRule } from "./stop-rule.ts";

export class LockCheck {
  private readonly log: AccessLog;
  private readonly stops: StopRule;
  private readonly locks: HeldLocks;

  constructor(
    backing: Memory,
    log: AccessLog,
    stops: StopRule,
    nameOf: (address: Address) => string,
  ) {
    this.log = log;
    this.stops = stops;
    this.locks = new HeldLocks({
      classNumberOf: (at) => classNumberIn(backing.read32(at + SpinLock.contendedAndClass)),
      nameOf,
      captureStack: () => this.captureStack(),
      captureTaking: () => this.captureStack(),
    });
  }

  /** A replay asks everywhere; a search has no time for stacks. */
  private captureStack(): (() => string[]) | undefined {
    if (!this.stops.isAskingEverywhere) return undefined;
    const frames = framesHere();
    return () => frames.filter(({ file }) => !file.includes("held-locks.")).map(placeText);
  }

  /** An operation runs from its start, where it holds no lock. */
  enter(): void {
    this.locks.forget();
  }

  acquire(at: Address, lockClass?: LockClass): void {
    if (!this.stops.isOn) return;
    if (this.log.isRecalling) this.locks.add(at, lockClass);
    else this.locks.acquire(at, lockClass);
  }

  taken(at: Address, lockClass?: LockClass): void {
    if (this.stops.isOn) this.locks.add(at, lockClass);
  }

  release(at: Address): void {
    if (this.stops.isOn) this.locks.release(at);
  }

  isHeld(at: Address): boolean {
    return this.locks.isHeld(at);
  }

  assertHeld(at: Address): void {
    if (this.stops.isOn) this.locks.assertHeld(at);
  }

  off(): void {
    if (this.stops.isOn) this.locks.off();
  }

  on(): void {
    if (this.stops.isOn) this.locks.on();
  }
}
