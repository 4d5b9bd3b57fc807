// SPDX-License-Identifier: MIT
/**
 * printk: lines for people, one sink a thread. Nothing in the machine depends on what is printed.
 */
export type ConsoleSink = (line: string) => void;

export class Console {
  /** Where lines go; by default nowhere. */
  sink: ConsoleSink | undefined;

  /** Hears what is printed anyway: it is no reason to say more. */
  overhear: ConsoleSink | undefined;

  /** Whether a line would be seen. What costs much to say is said only then. */
  get isHeard(): boolean {
    return this.sink !== undefined;
  }

  printk(line: string): void {
    this.sink?.(line);
    this.overhear?.(line);
  }
}
