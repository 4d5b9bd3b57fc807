// SPDX-License-Identifier: GPL-2.0-only
/**
 * A port as comlink wants it. A port's own `addEventListener` makes an event of each message, and for
 * the class of those Node loads its client of HTTP: twice the time of an empty thread, and 5 MiB.
 */
import type { MessagePort, Transferable } from "node:worker_threads";
import type { Endpoint } from "comlink";

export function endpointOf(port: MessagePort): Endpoint {
  return {
    postMessage: (message: unknown, transfer) =>
      port.postMessage(message, transfer as Transferable[]),
    addEventListener(_type, listener) {
      port.on("message", (data) => (listener as EventListener)({ data } as MessageEvent));
    },
    removeEventListener: () => port.removeAllListeners("message"),
  };
}
