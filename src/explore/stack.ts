/** Stacks: where in the code under test an access was made. Capturing one is slow: only for replays. */

export interface Frame {
  readonly function: string;
  /** Relative to the working directory if it lies below that. */
  readonly file: string;
  readonly line: number;
}

/** `function file:line`, or `file:line` for a function without a name. */
export function placeText({ function: name, file, line }: Frame): string {
  return `${name} ${file}:${line}`.trimStart();
}

const FRAME = /^ *at (?:(?:new |async )?(\S+) .*?\()?(?:file:\/\/)?(\/[^)]*?):(\d+):\d+\)?$/;
const OURS = new URL("./", import.meta.url).pathname;
/** The engine runs operations: its own callers do not belong to their stacks. */
const ENGINE = `${OURS}engine.`;
const DEEP = 60;

const parsed = new Map<string, Frame | undefined>();

/** The frame that a line of a stack names; lines repeat, so each is parsed once. */
function frameOf(line: string): Frame | undefined {
  if (parsed.has(line)) return parsed.get(line);
  const match = FRAME.exec(line);
  const path = match?.[2] ?? OURS;
  const file = path.replace(`${process.cwd()}/`, "");
  const frame = path.startsWith(OURS)
    ? undefined
    : { function: match?.[1] ?? "", file, line: Number(match?.[3]) };
  parsed.set(line, frame);
  return frame;
}

/** The frames of the caller, innermost first, without the explorer's own. */
export function framesHere(): Frame[] {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = DEEP;
  const lines = (new Error().stack ?? "").split("\n").slice(1);
  Error.stackTraceLimit = before;
  const frames: Frame[] = [];
  for (const line of lines) {
    if (line.includes(ENGINE)) break;
    const frame = frameOf(line);
    if (frame !== undefined) frames.push(frame);
  }
  return frames;
}
