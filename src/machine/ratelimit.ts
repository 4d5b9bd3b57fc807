// SPDX-License-Identifier: GPL-2.0-only
/**
 * A limit on how often one place prints (__ratelimit): a burst of messages an interval, over all
 * threads. The next message after an interval tells how many were suppressed. The clock is the
 * witness's; where it stands still there is one burst in all.
 */
import type { Machine } from "./machine.ts";
import type { Address } from "./memory.ts";
import { struct, word } from "./struct.ts";

/** DEFAULT_RATELIMIT_INTERVAL and DEFAULT_RATELIMIT_BURST. */
const INTERVAL_MILLISECONDS = 5000;
const BURST = 10;

const RatelimitState = struct("ratelimit_state", {
  /** When the present interval began; 0: none has. */
  begin: word,
  printed: word,
  missed: word,
});

export class Ratelimit {
  declare private readonly machine: Machine;
  declare private readonly place: string;
  declare private readonly at: Address;

  /** `place`: the kernel function that prints. */
  constructor(machine: Machine, place: string) {
    this.machine = machine;
    this.place = place;
    this.at = machine.statics.allocate(RatelimitState, place);
  }

  /** Whether one more message is printed; counts it either way. */
  allows(): boolean {
    const { memory } = this.machine;
    this.startInterval();
    const printed = this.at + RatelimitState.printed;
    // Atomic: of several that want the last message, one gets it.
    if (memory.readOnce(printed) < BURST && memory.add(printed, 1) < BURST) return true;
    memory.add(this.at + RatelimitState.missed, 1);
    return false;
  }

  private startInterval(): void {
    const { memory, witness, console } = this.machine;
    const at = this.at + RatelimitState.begin;
    const begin = memory.readOnce(at);
    const now = witness.milliseconds();
    if (begin !== 0 && ((now - begin) | 0) <= INTERVAL_MILLISECONDS) return;
    // Atomic: one of several starts it. 0 would mean that none began.
    if (memory.cmpxchg(at, begin, now === 0 ? 1 : now) !== begin) return;
    memory.xchg(this.at + RatelimitState.printed, 0);
    const missed = memory.xchg(this.at + RatelimitState.missed, 0);
    if (missed > 0) console.printk(`${this.place}: ${missed} callbacks suppressed`);
  }
}
