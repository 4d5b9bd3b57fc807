// SPDX-License-Identifier: MIT
/**
 * The log of an operation: the answer that each of its accesses got. To let a suspended operation go
 * on, the explorer runs it again from its start. As far as the log reaches, an access is not done
 * again but recalled from it; from there on each access is done and recorded.
 *
 * That works only if the operation repeats itself. So kind and address of each access, and the value
 * of a plain write, are compared with the log; a difference is `non-determinism`.
 */
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import type { Context } from "./context.ts";
import { addressOfKey, keyOf, kindName, kindOfKey } from "./kinds.ts";

export class AccessLog {
  private readonly nameOf: (address: Address) => string;
  /** Undefined in set-up and checks: nothing is recorded. */
  private context: Context | undefined;
  private entries: number[] = [];
  /** The next entry to recall, and the end of the log; equal: the operation has caught up. */
  private position = 0;
  private end = 0;

  constructor(nameOf: (address: Address) => string) {
    this.nameOf = nameOf;
  }

  /** The operation of `context` runs from its start. */
  open(context: Context): void {
    this.context = context;
    this.entries = context.log;
    this.position = 0;
    this.end = context.logged;
  }

  close(): void {
    this.context = undefined;
    this.position = 0;
    this.end = 0;
  }

  /** Runs `section`, which neither recalls nor records anything. */
  paused<T>(section: () => T): T {
    const { context, position, end } = this;
    this.close();
    try {
      return section();
    } finally {
      this.context = context;
      this.position = position;
      this.end = end;
    }
  }

  /** The next access is in the log already. */
  get isRecalling(): boolean {
    return this.position < this.end;
  }

  /** The answer that the next access got before. */
  recall(kind: number, address: Address): number {
    const { entries, position } = this;
    const key = entries[position] as number;
    if (key !== keyOf(kind, address)) {
      this.refuse(
        `did ${this.nameOfKey(keyOf(kind, address))} where before it did ${this.nameOfKey(key)}`,
      );
    }
    this.position = position + 2;
    return entries[position + 1] as number;
  }

  /** Like recall, for a plain write, which must write the same value again. */
  recallWrite(kind: number, address: Address, value: number): void {
    const before = this.recall(kind, address);
    if (before === value) return;
    const what = this.nameOfKey(keyOf(kind, address));
    this.refuse(`did ${what} with the value ${value} where before it was ${before}`);
  }

  /** Keeps the answer of an access, under the address or offset that the operation asked for. */
  record(kind: number, address: Address, value: number): void {
    const { context, entries, position } = this;
    if (context === undefined) return;
    entries[position] = keyOf(kind, address);
    entries[position + 1] = value;
    this.position = position + 2;
    this.end = position + 2;
    context.logged = position + 2;
  }

  /** The operation has returned: it must have repeated all of its log. */
  checkIsUsedUp(): void {
    if (!this.isRecalling) return;
    const key = this.entries[this.position] as number;
    this.refuse(`ended where before it went on with ${this.nameOfKey(key)}`);
  }

  private refuse(what: string): never {
    const { name, operationName } = this.context as Context;
    throw new KernelBug(
      "non-determinism",
      `non-determinism: step ${this.position / 2 + 1} of ${operationName} of ${name} ${what}; ` +
        "an operation may depend only on values that it reads from the memory",
    );
  }

  private nameOfKey(key: number): string {
    return `${kindName(kindOfKey(key))} ${this.nameOf(addressOfKey(key))}`;
  }
}
