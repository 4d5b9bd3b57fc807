// SPDX-License-Identifier: MIT
/**
 * printk: lines for people, one sink a thread. Nothing in the machine depends on what is printed.
 */
export type ConsoleSink = (line: string) => void;

export class Console {
  /** Where lines go; by default nowhere. */
  sink: ConsoleSink = () => undefined;

  printk(line: string): void {
    this.sink(line);
  }
}
