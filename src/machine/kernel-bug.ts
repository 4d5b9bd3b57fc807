// SPDX-License-Identifier: MIT
/**
 * An error that the allocator finds in its use or in itself, in the kernel's words.
 * A `KernelBug` leaves with no spinlock held and interrupts on, or the machine is set to panic
 * first. Mutexes and hotplug locks stay held, as behind an oops of a kernel: the next task that wants
 * one gets a deadlock report.
 */

/** The closed list of what can go wrong; a report, an exhibit and a scenario name one of these. */
export const FAILURE_CLASSES = [
  "double-allocation",
  "double-free",
  "lost-object",
  "wrong-slab",
  "stuck-frozen-slab",
  "list-corruption",
  "counter-drift",
  "use-after-free",
  "leaked-page",
  "out-of-memory",
  "deadlock",
  "livelock",
  "lock-not-held",
  "lock-order",
  "data-race",
  "bad-access",
  "redzone",
  "poison",
  "non-determinism",
] as const;

export type FailureClass = (typeof FAILURE_CLASSES)[number];

export class KernelBug extends Error {
  declare readonly failure: FailureClass;

  constructor(failure: FailureClass, message: string) {
    super(message);
    this.name = "KernelBug";
    this.failure = failure;
  }
}
