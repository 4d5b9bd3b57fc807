import { Session } from "node:inspector/promises";
import { setFlagsFromString } from "node:v8";

// The counts of a function go with its bytecode, which V8 drops when the function has not run for long.
setFlagsFromString("--no-flush-bytecode");

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

/** The parts of the files at `path` that `act` does not run: `file function: text`. */
export async function unreachedBy(path: RegExp, act: () => void): Promise<string[]> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Debugger.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  act();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  const unreached: string[] = [];
  for (const { url, scriptId, functions } of result) {
    if (!path.test(url)) continue;
    const { scriptSource } = await session.post("Debugger.getScriptSource", { scriptId });
    for (const { functionName, ranges } of functions) {
      for (const range of ranges) {
        const text = textOf(scriptSource, range);
        if (range.count > 0 || !/\w/.test(text)) continue;
        unreached.push(`${url.split("/").at(-1)} ${functionName}: ${text}`);
      }
    }
  }
  session.disconnect();
  return unreached;
}

function textOf(source: string, { startOffset, endOffset }: Range): string {
  return source.slice(startOffset, endOffset).trim().replace(/\s+/g, " ");
}
