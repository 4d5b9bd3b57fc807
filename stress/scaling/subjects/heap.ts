// SPDX-License-Identifier: GPL-2.0-only
/**
 * The engine's own memory: `new Uint8Array`, freed by forgetting it. Such a block cannot be shared;
 * to another thread it goes by postMessage, which copies it.
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { Mail, Subject } from "../subject.ts";

export class HeapSubject implements Subject<Uint8Array> {
  declare readonly mail?: Mail<Uint8Array>;

  /** `ports` by CPU, where blocks are to travel. */
  constructor(ports?: readonly MessagePort[]) {
    if (ports !== undefined) this.mail = new PostedMail(ports);
  }

  prepare(): void {}

  alloc(size: number): Uint8Array {
    return new Uint8Array(size);
  }

  free(_object: Uint8Array): void {}

  allocBulk(size: number, count: number, objects: Uint8Array[]): void {
    for (let i = 0; i < count; i++) objects[i] = this.alloc(size);
  }

  freeBulk(_count: number, objects: Uint8Array[]): void {
    objects.length = 0;
  }

  touch(object: Uint8Array, bytes: number, times: number): void {
    for (let n = 0; n < times; n++) {
      for (let at = 0; at < bytes; at += 4) object[at] = n;
    }
  }

  run<T>(work: () => T): T {
    return work();
  }
}

class PostedMail implements Mail<Uint8Array> {
  declare private readonly ports: readonly MessagePort[];

  constructor(ports: readonly MessagePort[]) {
    this.ports = ports;
  }

  send(to: number, batch: readonly Uint8Array[]): void {
    this.ports[to]?.postMessage(batch);
  }

  receive(from: number): Uint8Array[] {
    const port = this.ports[from];
    const came = port === undefined ? undefined : receiveMessageOnPort(port);
    return (came?.message as Uint8Array[] | undefined) ?? [];
  }
}
