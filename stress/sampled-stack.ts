// SPDX-License-Identifier: GPL-2.0-only
/** Where a thread is that answers no call any more: the stack in which V8's profiler meets it most often. */
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

/** The lines of an error's stack, innermost first; of the runtime's own functions there are none. */
export function sampledStack(profile: string): string {
  const { nodes } = JSON.parse(profile) as { readonly nodes: readonly ProfileNode[] };
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

function placeOf({ callFrame, positionTicks = [] }: ProfileNode) {
  const [busiest] = positionTicks.toSorted((a, b) => b.ticks - a.ticks);
  const line = busiest?.line ?? callFrame.lineNumber + 1;
  return originalPosition(callFrame.url, line) ?? { url: callFrame.url, line };
}

function textOf(node: ProfileNode): string {
  const { url, line } = placeOf(node);
  const file = url.split("/").slice(-2).join("/");
  return `    at ${node.callFrame.functionName || "<anonymous>"} (${file}:${line})`;
}
