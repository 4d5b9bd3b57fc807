// SPDX-License-Identifier: GPL-2.0-only
/** Where a thread is that answers no call any more: as V8's profiler meets it. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { quoted } from "../src/machine/quoted.ts";
import { originalPosition } from "../workers/original-position.ts";

interface ProfileNode {
  readonly id: number;
  readonly hitCount: number;
  readonly children?: readonly number[];
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[];
}

/** Lines of the source, those where the thread was met most often. */
const LINES_SHOWN = 4;

export interface Sampled {
  /** The lines of an error's stack, innermost first; of the runtime's own functions there are none. */
  readonly stack: string;
  /** `file:line "source text"` of where the thread was met, most often first. */
  readonly lines: readonly string[];
}

export const NOWHERE: Sampled = { stack: "", lines: [] };

export function sampled(profile: string): Sampled {
  const { nodes } = JSON.parse(profile) as { readonly nodes: readonly ProfileNode[] };
  return { stack: stackOf(nodes), lines: linesOf(nodes.filter(isOurs)) };
}

function linesOf(nodes: readonly ProfileNode[]): string[] {
  const ticksAt = new Map<string, number>();
  for (const { callFrame, positionTicks = [] } of nodes) {
    for (const { line, ticks } of positionTicks) {
      const place = originalPosition(callFrame.url, line) ?? { url: callFrame.url, line };
      const text = `${shortened(place)}${sourceText(place)}`;
      ticksAt.set(text, (ticksAt.get(text) ?? 0) + ticks);
    }
  }
  const lines = [...ticksAt].toSorted(([, a], [, b]) => b - a).map(([text]) => text);
  return lines.slice(0, LINES_SHOWN);
}

function sourceText({ url, line }: Place): string {
  const file = fileURLToPath(url);
  const text = existsSync(file) ? readFileSync(file, "utf8").split("\n")[line - 1]?.trim() : "";
  return text ? ` "${quoted(text)}"` : "";
}

function stackOf(nodes: readonly ProfileNode[]): string {
  const parents = new Map<number, ProfileNode>();
  for (const node of nodes) for (const id of node.children ?? []) parents.set(id, node);
  const lines: string[] = [];
  let node = nodes.filter(isOurs).toSorted((a, b) => b.hitCount - a.hitCount)[0];
  for (; node !== undefined; node = parents.get(node.id))
    if (isOurs(node)) lines.push(textOf(node));
  return lines.join("\n");
}

function isOurs(node: ProfileNode): boolean {
  const { url } = placeOf(node);
  return url.startsWith("file:") && !url.includes("/node_modules/");
}

interface Place {
  readonly url: string;
  readonly line: number;
}

function placeOf({ callFrame, positionTicks = [] }: ProfileNode): Place {
  const [busiest] = positionTicks.toSorted((a, b) => b.ticks - a.ticks);
  const line = busiest?.line ?? callFrame.lineNumber + 1;
  return originalPosition(callFrame.url, line) ?? { url: callFrame.url, line };
}

function textOf(node: ProfileNode): string {
  return `    at ${node.callFrame.functionName || "<anonymous>"} (${shortened(placeOf(node))})`;
}

function shortened({ url, line }: Place): string {
  return `${url.split("/").slice(-2).join("/")}:${line}`;
}
