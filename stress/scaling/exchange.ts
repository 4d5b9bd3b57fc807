// SPDX-License-Identifier: GPL-2.0-only
/**
 * How objects get from CPU to CPU: batches through mailboxes, handles in shared words, or by the
 * subject's own mail where handles mean nothing to another thread (then the mailbox only counts).
 */
import { BATCH, type ScaleControl, SLOTS } from "./control.ts";
import type { Handle, Mail } from "./subject.ts";

export class Exchange<H extends Handle = Handle> {
  declare private readonly control: ScaleControl;
  declare private readonly mail: Mail<H> | undefined;
  declare private readonly cpu: number;
  /** By CPU: how many batches went there, and came from there. */
  declare private readonly sent: number[];
  declare private readonly received: number[];

  constructor(control: ScaleControl, cpu: number, mail: Mail<H> | undefined) {
    this.control = control;
    this.mail = mail;
    this.cpu = cpu;
    this.sent = new Array(control.cpus).fill(0);
    this.received = new Array(control.cpus).fill(0);
  }

  get stopped(): boolean {
    return this.control.stopped;
  }

  private outbox(to: number): number {
    return this.control.box(this.cpu, to, (this.sent[to] as number) % SLOTS);
  }

  private inbox(from: number): number {
    return this.control.box(from, this.cpu, (this.received[from] as number) % SLOTS);
  }

  hasRoom(to: number): boolean {
    return this.control.isEmpty(this.outbox(to));
  }

  hasMail(from: number): boolean {
    return this.control.isFull(this.inbox(from));
  }

  // The flag is looked at first: once the point has ended, no thread may be left to open the box.

  /** Returns also when the point ends. */
  waitForRoom(to: number): void {
    if (!this.stopped) this.control.waitForRoom(this.outbox(to));
  }

  /** Returns also when the point ends. */
  waitForMail(from: number): void {
    if (!this.stopped) this.control.waitForMail(this.inbox(from));
  }

  /** Hands over up to BATCH objects; there is room. False if the point has ended: they stay here. */
  send(to: number, batch: readonly H[]): boolean {
    const { control, mail } = this;
    const box = this.outbox(to);
    if (mail === undefined) {
      for (let i = 0; i < batch.length; i++) control.put(box, i, batch[i] as number);
    } else {
      mail.send(to, batch);
    }
    if (!control.post(box, batch.length)) return false;
    (this.sent[to] as number)++;
    return true;
  }

  /** Takes a batch that has come, into `batch`. Returns how many there are. */
  receive(from: number, batch: H[]): number {
    const box = this.inbox(from);
    const count = this.take(box, from, batch);
    this.control.release(box);
    (this.received[from] as number)++;
    return count;
  }

  private take(box: number, from: number, batch: H[]): number {
    const { control, mail } = this;
    const count = control.count(box);
    if (mail === undefined) {
      for (let i = 0; i < count; i++) batch[i] = control.get(box, i) as H;
    } else {
      const came = mail.receive(from);
      for (let i = 0; i < count; i++) batch[i] = came[i] as H;
    }
    return count;
  }

  /** When all have stopped: frees the objects that are still on their way to this CPU. */
  drain(free: (object: H) => void): void {
    const batch: H[] = new Array(BATCH);
    for (let from = 0; from < this.control.cpus; from++) {
      for (let n = 0; n < SLOTS; n++) {
        const box = this.inbox(from);
        const count = this.take(box, from, batch);
        this.control.release(box);
        (this.received[from] as number)++;
        for (let i = 0; i < count; i++) free(batch[i] as H);
      }
      this.received[from] = 0;
      // A batch that was posted as the point ended has left its message behind.
      while (this.mail !== undefined && this.mail.receive(from).length > 0);
    }
    this.sent.fill(0);
  }
}
