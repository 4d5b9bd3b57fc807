/** How much a search may still do: schedules, and time on the clock. The first to run out ends it. */
export class Budget {
  private readonly start = performance.now();
  private readonly seconds: number;
  private readonly limit: number;
  schedules = 0;
  steps = 0;

  constructor(schedules = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY) {
    this.limit = schedules;
    this.seconds = seconds;
  }

  /** One more schedule has been run. */
  spend(steps: number): void {
    this.schedules++;
    this.steps += steps;
  }

  get secondsElapsed(): number {
    return (performance.now() - this.start) / 1000;
  }

  /** Whether `share` of all that was given is gone, 0 to 1. */
  isSpent(share = 1): boolean {
    return this.schedules >= this.limit * share || this.secondsElapsed >= this.seconds * share;
  }
}
