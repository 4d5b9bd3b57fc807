// SPDX-License-Identifier: GPL-2.0-only
/**
 * The engine's own memory: `new Uint8Array`, freed by forgetting it. Such a block cannot be shared;
 * to another thread it goes by postMessage, which copies it.
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { Mail, Subject } from "../subject.ts";

/** `ports` by CPU, where blocks are to travel. */
export function heapSubject(ports?: readonly MessagePort[]): Subject<Uint8Array> {
  return {
    alloc: (size) => new Uint8Array(size),
    free() {},
    allocBulk(size, count, objects) {
      for (let i = 0; i < count; i++) objects[i] = new Uint8Array(size);
    },
    freeBulk(_, objects) {
      objects.length = 0;
    },
    touch(object, bytes, times) {
      for (let n = 0; n < times; n++) {
        for (let at = 0; at < bytes; at += 4) object[at] = n;
      }
    },
    run: (work) => work(),
    mail: ports === undefined ? undefined : new PostedMail(ports),
  };
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
