// SPDX-License-Identifier: GPL-2.0-only
/**
 * What is left to do for the program when a call is over. Reports of damage, lines of the console and
 * errors of constructors come up in the middle of operations, with locks held and interrupts off,
 * where code of the program must not run. The call does its own work first; then the sinks are called,
 * and then the error is thrown.
 */

export class Afterwards {
  /** Whether there is anything to do: all that a call without reports looks at. */
  isOwed = false;
  private readonly reports: (() => void)[] = [];
  private readonly errors: unknown[] = [];
  private isReporting = false;

  /** A sink is called with a report. What it throws is no error of the call: it rejects a promise. */
  report(act: () => void): void {
    this.reports.push(act);
    this.isOwed = true;
  }

  /** The call fails with this error. */
  fail(error: unknown): void {
    this.errors.push(error);
    this.isOwed = true;
  }

  /**
   * The call is over. Where it has failed, `undo` gives back what it nevertheless has got. What sinks
   * cause by calls of their own waits for the next call.
   */
  settle(undo: () => void): void {
    const [error] = this.errors.splice(0);
    if (error !== undefined) undo();
    this.callSinks();
    this.isOwed = this.reports.length > 0;
    if (error !== undefined) throw error;
  }

  private callSinks(): void {
    if (this.isReporting) return;
    this.isReporting = true;
    for (const act of this.reports.splice(0)) {
      try {
        act();
      } catch (error) {
        void Promise.reject(error);
      }
    }
    this.isReporting = false;
  }
}
