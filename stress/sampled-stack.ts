// SPDX-License-Identifier: GPL-2.0-only
/** Where a thread is that answers no call any more: the stack in which V8's profiler meets it most often. */

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
    if (isOurs(node)) lines.push(lineOf(node));
  return lines.join("\n");
}

function isOurs({ callFrame }: ProfileNode): boolean {
  return callFrame.url.startsWith("file:") && !callFrame.url.includes("/node_modules/");
}

function lineOf({ callFrame, positionTicks = [] }: ProfileNode): string {
  const [busiest] = positionTicks.toSorted((a, b) => b.ticks - a.ticks);
  const file = callFrame.url.split("/").slice(-2).join("/");
  const line = busiest?.line ?? callFrame.lineNumber + 1;
  return `    at ${callFrame.functionName || "<anonymous>"} (${file}:${line})`;
}
