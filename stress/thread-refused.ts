// SPDX-License-Identifier: GPL-2.0-only
/** This machine starts no more threads. */
export class ThreadRefused extends Error {
  override name = "ThreadRefused";
}
