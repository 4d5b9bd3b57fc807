// SPDX-License-Identifier: GPL-2.0-only
/** Objects that nobody holds, as /sys/kernel/debug/kmemleak lists them. */
import type { UnreferencedObject } from "../kernel/kmemleak.ts";
import { heading } from "./text.ts";

export function leaksText(leaks: readonly UnreferencedObject[]): string {
  const count = `kmemleak: ${leaks.length} new suspected memory leaks`;
  return `${heading("Leaks")}  ${[count, ...leaks.flatMap(linesOf)].join("\n  ")}\n`;
}

function linesOf({ object, bytes, cache, task, track }: UnreferencedObject): string[] {
  const age = track === undefined ? "" : ` (age ${(track.age / 1000).toFixed(3)}s)`;
  const backtrace = track?.stack.map((frame) => `    ${frame}`) ?? [];
  return [
    `unreferenced object 0x${object.toString(16).padStart(8, "0")} (size ${bytes})${cache === "" ? "" : ` of ${cache}`}:`,
    `  comm "stress", pid ${task}${age}`,
    ...(backtrace.length === 0 ? [] : ["  backtrace:", ...backtrace]),
  ];
}
