// SPDX-License-Identifier: GPL-2.0-only
/**
 * What a bundle begins with: stacks name the files that it was made of. Node's own way reads all maps
 * before anything runs, which costs as much as the bundle itself; here a map is read with the first
 * stack.
 */
import { originalPosition } from "./original-position.ts";

Error.prepareStackTrace = (error, frames) =>
  [Error.prototype.toString.call(error), ...frames.map((frame) => `    at ${textOf(frame)}`)].join(
    "\n",
  );

function textOf(frame: NodeJS.CallSite): string {
  const [url, line, column] = [
    frame.getScriptNameOrSourceURL(),
    frame.getLineNumber(),
    frame.getColumnNumber(),
  ];
  const text = String(frame);
  if (url === null || line === null || column === null) return text;
  const original = originalPosition({ url, line, column });
  return text.replace(
    `${url}:${line}:${column}`,
    () => `${original.url}:${original.line}:${original.column}`,
  );
}
