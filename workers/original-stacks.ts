// SPDX-License-Identifier: GPL-2.0-only
/** What a bundle begins with: stacks name the files that it was made of. */
import { originalPosition } from "./original-position.ts";

Error.prepareStackTrace = (error, frames) =>
  [Error.prototype.toString.call(error), ...frames.map((frame) => `    at ${textOf(frame)}`)].join(
    "\n",
  );

/** By place in the bundle: debugging caches take a stack with every object. */
const originals = new Map<string, string>();

function textOf(frame: NodeJS.CallSite): string {
  const url = frame.getScriptNameOrSourceURL();
  const [line, column] = [frame.getLineNumber(), frame.getColumnNumber()];
  const text = String(frame);
  if (url === null || line === null || column === null) return text;
  const place = `${url}:${line}:${column}`;
  let original = originals.get(place);
  if (original === undefined) {
    const found = originalPosition(url, line, column);
    original = found === undefined ? place : `${found.url}:${found.line}:${found.column}`;
    originals.set(place, original);
  }
  return original === place ? text : text.replace(place, () => original);
}
