// SPDX-License-Identifier: GPL-2.0-only
/**
 * What is left to do for the program when a call is over. Reports of damage, lines of the console and
 * errors of constructors come up in the middle of operations, with locks held and interrupts off,
 * where nothing may be thrown and code of the program must not run.
 */

export class Afterwards {
  private reports: (() => void)[] = [];
  private isReporting = false;
  private error: unknown;
  private hasFailed = false;

  /** A sink is to be called. What it throws is no error of the call: it rejects a promise. */
  report(act: () => void): void {
    this.reports.push(act);
  }

  /** A constructor has failed. The call fails as well if it gets no object without. */
  fail(error: unknown): void {
    this.error = error;
    this.hasFailed = true;
  }

  /** A call begins, or has got what it wanted in spite of the error. */
  forget(): void {
    this.error = undefined;
    this.hasFailed = false;
  }

  /** A call has got nothing. @throws what its constructor has failed with */
  throwError(): void {
    const { error, hasFailed } = this;
    this.forget();
    if (hasFailed) throw error;
  }

  /** A call is over. What sinks cause by calls of their own waits for the next one. */
  callSinks(): void {
    if (this.reports.length === 0 || this.isReporting) return;
    this.isReporting = true;
    const { reports } = this;
    this.reports = [];
    for (const act of reports) {
      try {
        act();
      } catch (error) {
        void Promise.reject(error);
      }
    }
    this.isReporting = false;
  }
}
