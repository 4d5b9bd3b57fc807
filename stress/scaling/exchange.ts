// SPDX-License-Identifier: GPL-2.0-only
/**
 * How objects get from CPU to CPU: batches through rings, handles in shared words, or by the
 * subject's own mail where handles mean nothing to another thread (then the ring only counts).
 */
import type { Address } from "../../src/machine/memory.ts";
import type { ScaleControl } from "./control.ts";
import type { Rings } from "./rings.ts";
import type { Handle, Mail } from "./subject.ts";

/** Objects in a batch: four cache lines of handles. */
export const BATCH = 64;

/** One side's counts of a ring: its own, and the other side's as last seen. */
interface End {
  readonly ring: Address;
  sent: number;
  received: number;
}

export class Exchange<H extends Handle = Handle> {
  declare private readonly control: ScaleControl;
  declare private readonly rings: Rings;
  declare private readonly mail: Mail<H> | undefined;
  /** By CPU. */
  declare private readonly outgoing: readonly End[];
  declare private readonly incoming: readonly End[];

  constructor(control: ScaleControl, cpu: number, mail: Mail<H> | undefined) {
    const { rings, cpus } = control;
    const end = (from: number, to: number): End => ({
      ring: rings.ring(from, to),
      sent: 0,
      received: 0,
    });
    this.control = control;
    this.rings = rings;
    this.mail = mail;
    this.outgoing = Array.from({ length: cpus }, (_, other) => end(cpu, other));
    this.incoming = Array.from({ length: cpus }, (_, other) => end(other, cpu));
  }

  get stopped(): boolean {
    return this.control.stopped;
  }

  private onTheWay({ sent, received }: End): number {
    return (sent - received) & 0x7fff_ffff;
  }

  /** Whether a batch can be sent. */
  hasRoom(to: number): boolean {
    const end = this.outgoing[to] as End;
    const most = this.rings.objects - BATCH;
    if (this.onTheWay(end) <= most) return true;
    end.received = this.rings.received(end.ring);
    return this.onTheWay(end) <= most;
  }

  hasMail(from: number): boolean {
    const end = this.incoming[from] as End;
    if (end.sent !== end.received) return true;
    end.sent = this.rings.sent(end.ring);
    return end.sent !== end.received;
  }

  /** Returns also when the point ends. */
  waitForRoom(to: number): void {
    while (!this.stopped && !this.hasRoom(to)) {
      const { ring, received } = this.outgoing[to] as End;
      this.rings.waitForReceiver(ring, received);
    }
  }

  /** Returns also when the point ends. */
  waitForMail(from: number): void {
    while (!this.stopped && !this.hasMail(from)) {
      const { ring, sent } = this.incoming[from] as End;
      this.rings.waitForSender(ring, sent);
    }
  }

  /** Hands over up to BATCH objects; there is room. */
  send(to: number, batch: readonly H[]): void {
    const { rings, mail } = this;
    const end = this.outgoing[to] as End;
    const { ring, sent } = end;
    if (mail === undefined) {
      for (let i = 0; i < batch.length; i++) rings.put(ring, sent + i, batch[i] as number);
    } else {
      mail.send(to, batch);
    }
    end.sent = (sent + batch.length) & 0x7fff_ffff;
    rings.publishSent(ring, end.sent);
  }

  /** Takes up to BATCH objects that have come, into `batch`. Returns how many there are. */
  receive(from: number, batch: H[]): number {
    const { rings, mail } = this;
    const end = this.incoming[from] as End;
    const { ring, received } = end;
    let count = Math.min(this.onTheWay(end), BATCH);
    if (mail === undefined) {
      for (let i = 0; i < count; i++) batch[i] = rings.get(ring, received + i) as H;
    } else {
      const came = mail.receive(from);
      count = came.length;
      for (let i = 0; i < count; i++) batch[i] = came[i] as H;
    }
    end.received = (received + count) & 0x7fff_ffff;
    rings.publishReceived(ring, end.received);
    return count;
  }

  /**
   * When all have stopped: frees the objects that are still on their way to this CPU, and makes its
   * rings ready for the next exchange.
   */
  drain(free: (object: H) => void): void {
    const batch: H[] = new Array(BATCH);
    for (let from = 0; from < this.incoming.length; from++) {
      while (this.hasMail(from)) {
        const count = this.receive(from, batch);
        for (let i = 0; i < count; i++) free(batch[i] as H);
      }
      this.rings.reset((this.incoming[from] as End).ring);
    }
  }
}
