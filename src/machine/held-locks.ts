// SPDX-License-Identifier: MIT
/**
 * The locks that one running context holds, and in which order it may take more: lockdep, for
 * memories that check. A violation is reported where the second lock is wanted, before any wait
 * for it, so that one context is enough to show an order that needs two to deadlock.
 *
 * A lock counts as held from the moment when it is wanted until it is released. To want a lock that
 * the context holds already is left to the wait, which names it as the deadlock that it is.
 */
import { KernelBug } from "./kernel-bug.ts";
import { type LockClass, lockClassName, lockClassNumber, NO_LOCK_CLASS } from "./lock-classes.ts";
import type { Address } from "./memory.ts";

/** The calling functions, innermost first. Called late: most stacks are never read. */
export type CapturedStack = () => readonly string[];

/** What a memory tells of itself. */
export interface LockWorld {
  /** The class word of the lock at `at`. */
  classNumberOf(at: Address): number;
  nameOf(address: Address): string;
  /** The stack of the running context; undefined where capturing it costs too much. */
  captureStack(): CapturedStack | undefined;
  /** The same where a lock of that class is taken, which is often and seldom read. */
  captureTaking(classNumber: number): CapturedStack | undefined;
}

interface HeldLock {
  readonly at: Address;
  readonly classNumber: number;
  readonly stack: CapturedStack | undefined;
}

export class HeldLocks {
  declare private readonly world: LockWorld;
  private held: HeldLock[] = [];
  /** How often it has been switched off. */
  private offs = 0;

  constructor(world: LockWorld) {
    this.world = world;
  }

  /** lock_acquire: the lock is wanted. @throws KernelBug `lock-order` */
  acquire(at: Address, lockClass?: LockClass): void {
    const classNumber = this.classNumber(at, lockClass);
    if (classNumber !== NO_LOCK_CLASS && this.offs === 0) this.checkOrder(at, classNumber);
    this.add(at, lockClass);
  }

  /** The lock is held, in whatever order it was taken: a context that did not wait cannot deadlock. */
  add(at: Address, lockClass?: LockClass): void {
    const classNumber = this.classNumber(at, lockClass);
    this.held.push({ at, classNumber, stack: this.world.captureTaking(classNumber) });
  }

  /** lock_release */
  release(at: Address): void {
    const { held } = this;
    for (let i = held.length - 1; i >= 0; i--) {
      if (held[i]?.at !== at) continue;
      held.splice(i, 1);
      return;
    }
  }

  /** lockdep_assert_held. @throws KernelBug `lock-not-held` */
  assertHeld(at: Address): void {
    if (this.isHeld(at) || this.offs !== 0) return;
    const name = lockClassName(this.world.classNumberOf(at));
    throw new KernelBug(
      "lock-not-held",
      `lock-not-held: ${name} (${this.world.nameOf(at)}) is needed here and not held` +
        stackText("needed", this.world.captureStack()),
    );
  }

  /** An interrupt begins, with no lock of its own. Returns the locks of the interrupted context. */
  begin(): HeldLock[] {
    const { held } = this;
    this.held = [];
    return held;
  }

  /** The interrupt is over; `interrupted` is what `begin` returned. */
  end(interrupted: HeldLock[]): void {
    this.held = interrupted;
  }

  /** Another context runs, or this one has been left by an error: no lock is held. */
  forget(): void {
    this.held.length = 0;
    this.offs = 0;
  }

  /** lockdep_off: what follows is known to be wrong, or is right for a reason not seen here. */
  off(): void {
    this.offs++;
  }

  /** lockdep_on */
  on(): void {
    this.offs--;
  }

  isHeld(at: Address): boolean {
    return this.held.some((lock) => lock.at === at);
  }

  private classNumber(at: Address, lockClass?: LockClass): number {
    return lockClass === undefined ? this.world.classNumberOf(at) : lockClassNumber(lockClass);
  }

  private checkOrder(at: Address, classNumber: number): void {
    const later = this.held.find((lock) => lock.classNumber >= classNumber);
    if (later === undefined || this.isHeld(at)) return;
    const { world } = this;
    const held = `${lockClassName(later.classNumber)} (${world.nameOf(later.at)})`;
    const why =
      later.classNumber === classNumber
        ? "two locks of one class never nest"
        : "which comes after it in the order of locks";
    throw new KernelBug(
      "lock-order",
      `lock-order: ${lockClassName(classNumber)} (${world.nameOf(at)}) is wanted ` +
        `while ${held} is held, ${why}` +
        stackText("wanted", world.captureStack()) +
        stackText("held, taken", later.stack),
    );
  }
}

function stackText(what: string, stack: CapturedStack | undefined): string {
  if (stack === undefined) return "";
  return `\n    ${what}:${stack()
    .map((frame) => `\n      ${frame}`)
    .join("")}`;
}
