// SPDX-License-Identifier: GPL-2.0-only
/**
 * A page that is not isolated has no SharedArrayBuffer by name, but may have shared WebAssembly memory,
 * as long as no other thread gets it. The explorer runs in one thread.
 */
const scope = globalThis as { SharedArrayBuffer?: unknown };

scope.SharedArrayBuffer ??= new WebAssembly.Memory({
  initial: 0,
  maximum: 0,
  shared: true,
}).buffer.constructor;
