// SPDX-License-Identifier: MIT
/**
 * The stop rule: before which accesses the running operation may be stopped, and how. Code under test
 * is plain synchronous TypeScript, so a throw stops it: SUSPEND leaves the whole operation, which
 * later runs again from its start and recalls its answers (access-log.ts).
 *
 * A point is an access before which another context could run. The pilot is asked at points that
 * matter. An access to a word that is not shared does not: a context that comes before it might as
 * well come at the next point that matters, and there is always one before interrupts or preemption
 * go off again. Points are the steps of a schedule; too many without an operation ending are a
 * livelock.
 */
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import type { AccessCheck } from "./access-check.ts";
import type { Context } from "./context.ts";
import { COPY } from "./kinds.ts";
import type { Sharing } from "./sharing.ts";

/** Thrown through the code under test to leave it; one object, so that throwing costs little. */
export const SUSPEND: unique symbol = Symbol("suspended");

/** Decides whether the running context goes on. */
export interface Pilot {
  /** The running context is about to do this. False: it is to be suspended instead. */
  mayGoOn(kind: number, address: Address): boolean;
  /** The running context must wait; it is suspended after this. */
  blocked(): void;
}

/** Steps without any operation ending that are taken for a livelock. */
const LIVELOCK_STEPS = 20_000;

/** Whether a point matters, where that does not depend on the address. */
const ALWAYS = true;
const NEVER = false;

export class StopRule {
  private readonly check: AccessCheck;
  private readonly sharing: Sharing;
  /** First byte of the checker's room: its accesses are no points. */
  private readonly checkerStart: Address;

  /** Undefined outside of exploration: nothing is checked, nothing stops. */
  private context: Context | undefined;
  private pilot: Pilot | undefined;
  /** The scheduler has just chosen this context at its first point, which need not ask again. */
  private isChosen = false;
  /** Every point asks, whether it matters or not: a token counts them all. */
  private asksEverywhere = false;

  /** SUSPEND has been thrown, so every further access throws it too. */
  private unwinding = false;
  private caught = false;

  private passed = 0;
  private limit = 0;

  constructor(check: AccessCheck, sharing: Sharing, checkerStart: Address) {
    this.check = check;
    this.sharing = sharing;
    this.checkerStart = checkerStart;
  }

  // ---- of a schedule ----

  /** A schedule begins, in which `pilot` is asked. */
  begin(pilot: Pilot): void {
    this.pilot = pilot;
    this.passed = 0;
    this.progressed();
  }

  /** Points passed in this schedule. */
  get steps(): number {
    return this.passed;
  }

  /** Passes the point before which a context was chosen. */
  step(): void {
    this.passed++;
  }

  /** An operation has ended, so this is no livelock. */
  progressed(): void {
    this.limit = this.passed + LIVELOCK_STEPS;
  }

  get isAskingEverywhere(): boolean {
    return this.asksEverywhere;
  }

  /** Runs `section`, in which every point asks. */
  askingEverywhere<T>(section: () => T): T {
    this.asksEverywhere = true;
    try {
      return section();
    } finally {
      this.asksEverywhere = false;
    }
  }

  // ---- of an operation ----

  /** `context` has been chosen, and its operation runs. */
  enter(context: Context): void {
    this.context = context;
    this.unwinding = false;
    this.caught = false;
    this.isChosen = true;
  }

  leave(): void {
    this.context = undefined;
    this.unwinding = false;
  }

  /** Runs `section`, in which nothing stops. */
  paused<T>(section: () => T): T {
    const { context, unwinding } = this;
    this.leave();
    try {
      return section();
    } finally {
      this.context = context;
      this.unwinding = unwinding;
    }
  }

  /** A context runs that can be stopped. */
  get isOn(): boolean {
    return this.context !== undefined;
  }

  get isUnwinding(): boolean {
    return this.unwinding;
  }

  /** There was an access after SUSPEND: the operation has caught it, or has a `finally`. */
  get wasCaught(): boolean {
    return this.caught;
  }

  /** Leaves the operation; it will run again. */
  suspend(): never {
    this.caught = this.unwinding;
    this.unwinding = true;
    throw SUSPEND;
  }

  /** The operation must wait: leaves it, and tells the pilot. */
  block(): never {
    (this.pilot as Pilot).blocked();
    this.suspend();
  }

  /** Suspends the operation again if it is on its way out. */
  checkIsStaying(): void {
    if (this.unwinding) this.suspend();
  }

  // ---- before an access is done: is it allowed, and may another context go first? ----

  /** A byte or half of a word. */
  beforePart(kind: number, address: Address): void {
    const { context } = this;
    if (context === undefined) return;
    if (this.unwinding) this.suspend();
    this.check.byte(context, kind, address);
    if (address >= this.checkerStart) return;
    this.point(context, kind, address, this.sharing.touch(address, context.id, kind));
  }

  beforeWord(kind: number, address: Address): void {
    if ((address & 3) !== 0) this.refuseMisaligned(kind, address);
    this.beforePart(kind, address);
  }

  beforeRange(kind: number, address: Address, length: number): void {
    const { context } = this;
    if (context === undefined) return;
    if (this.unwinding) this.suspend();
    this.check.range(context, kind, address, length);
    if (address >= this.checkerStart) return;
    this.point(context, kind, address, this.sharing.touchRange(address, length, context.id, kind));
  }

  /** Two words that are swapped as one; the hardware wants them 8-aligned. */
  beforePair(kind: number, address: Address): void {
    if ((address & 7) !== 0) this.refuseMisaligned(kind, address);
    this.beforeRange(kind, address, 8);
  }

  private refuseMisaligned(kind: number, address: Address): void {
    if (this.context === undefined || this.unwinding) return;
    this.check.refuse(this.context, kind, address);
  }

  /** Two ranges at once: the one that is read may be shared, or the one that is written. */
  beforeCopy(to: Address, from: Address, length: number): void {
    const { context } = this;
    if (context === undefined) return;
    if (this.unwinding) this.suspend();
    this.check.range(context, COPY, from, length);
    this.check.range(context, COPY, to, length);
    const reads = this.sharing.touchRange(from, length, context.id, COPY, false);
    const writes = this.sharing.touchRange(to, length, context.id, COPY);
    this.point(context, COPY, to, reads || writes);
  }

  /** In the area of the running CPU: a context that may migrate could find itself in another. */
  beforeHere(kind: number, address: Address, bytes: number): void {
    const { context } = this;
    if (context === undefined) return;
    if (this.unwinding) this.suspend();
    const isShared = this.sharing.touchRange(address, bytes, context.id, kind);
    this.point(context, kind, address, isShared || context.canMigrate);
  }

  /** A look at the number or area of the running CPU: only a migration changes it. */
  beforePlace(kind: number): void {
    const { context } = this;
    if (context === undefined) return;
    if (this.unwinding) this.suspend();
    this.point(context, kind, 0, context.canMigrate);
  }

  /**
   * Interrupts, or preemption, are about to be switched off: always a point, being the last moment
   * for a context that can come only while they are on. Else a window without any access would be
   * overlooked, and so would the stretch after its last access.
   */
  beforeClosing(kind: number): void {
    const { context } = this;
    if (context === undefined) return;
    if (this.unwinding) this.suspend();
    this.point(context, kind, 0, ALWAYS);
  }

  /** Chance decides what the running context sees: always a point, since the pilot chooses it. */
  beforeChance(kind: number, what: number): void {
    const { context } = this;
    if (context === undefined) return;
    if (this.unwinding) this.suspend();
    this.point(context, kind, what, ALWAYS);
  }

  /** An access that no other context could notice. */
  beforeNothing(kind: number): void {
    const { context } = this;
    if (context === undefined) return;
    if (this.unwinding) this.suspend();
    this.point(context, kind, 0, NEVER);
  }

  /** Returns when `context` may go on. */
  private point(context: Context, kind: number, address: Address, matters: boolean): void {
    if (this.isChosen) {
      this.isChosen = false;
      return;
    }
    if (matters || context.givesWay || this.asksEverywhere) {
      if (!(this.pilot as Pilot).mayGoOn(kind, address)) this.suspend();
    }
    if (++this.passed > this.limit) refuseLivelock(context);
  }
}

function refuseLivelock({ name, operationName }: Context): never {
  throw new KernelBug(
    "livelock",
    `livelock: no operation has ended for ${LIVELOCK_STEPS.toLocaleString("en")} steps; ` +
      `${name} is in ${operationName}`,
  );
}
