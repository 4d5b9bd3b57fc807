/**
 * A failing schedule as a short text that can be read, edited and stored:
 *
 *     v1:alloc-free~1.0:5f3a9c01:0x2.1x14.0@1x7
 *     |  |          |   |        |   |    +-- context 0, now on CPU 1, for 7 steps
 *     |  |          |   |        |   +------- context 1 for 14 steps
 *     |  |          |   |        +----------- context 0 for 2 steps, on the CPU it starts on
 *     |  |          |   +-------------------- hash of kind and field of each access on the way
 *     |  |          +------------------------ without operation 0 of context 1
 *     |  +----------------------------------- the scenario
 *     +-------------------------------------- the version of this format
 *
 * The hash tells a schedule that still fits from one whose program has changed underneath: it covers
 * what the accesses are, not where in the source they stand.
 */
import type { Segment } from "./schedulers/replay.ts";

export interface Token {
  readonly scenario: string;
  /** Operations left out, as `context.operation`. */
  readonly without: readonly string[];
  /** 8 hexadecimal digits. */
  readonly hash: string;
  /** `cpu` -1: the one where the context was before, at first its own. */
  readonly segments: readonly Segment[];
}

/** The token cannot be read, or no longer fits what it is for. */
export class TokenError extends Error {
  constructor(why: string) {
    super(why);
    this.name = "TokenError";
  }
}

/** `homes`: the CPU each context starts on. */
export function printToken(token: Token, homes: readonly number[]): string {
  const at = [...homes];
  const turns = token.segments.map(({ context, cpu, steps }) => {
    const moved = cpu === at[context] ? "" : `@${cpu}`;
    at[context] = cpu;
    return `${context}${moved}x${steps}`;
  });
  const name = [token.scenario, ...token.without].join("~");
  return `v1:${name}:${token.hash}:${turns.join(".")}`;
}

/** @throws TokenError naming what is wrong with the text. */
export function parseToken(text: string): Token {
  const [version, name, hash, turns, ...rest] = text.trim().split(":");
  if (version !== "v1") throw new TokenError(`a token begins with v1:, not with "${version}"`);
  if (!name || hash === undefined || turns === undefined || rest.length > 0) {
    throw new TokenError("a token has four parts: v1:SCENARIO:HASH:SCHEDULE");
  }
  if (!/^[0-9a-f]{8}$/.test(hash)) throw new TokenError(`"${hash}" is no hash of a token`);
  const [scenario = "", ...without] = name.split("~");
  for (const left of without) {
    if (!/^\d+\.\d+$/.test(left)) throw new TokenError(`"${left}" is no operation of a token`);
  }
  return { scenario, without, hash, segments: turns.split(".").map(parseTurn) };
}

function parseTurn(turn: string): Segment {
  const match = /^(\d{1,3})(?:@(\d{1,2}))?x(\d{1,7})$/.exec(turn);
  const steps = Number(match?.[3]);
  if (match === null || steps === 0) {
    throw new TokenError(`"${turn}" is no turn: CONTEXT[@CPU]xSTEPS, with at least one step`);
  }
  return { context: Number(match[1]), cpu: Number(match[2] ?? -1), steps };
}

/** The segments with every CPU named. @throws TokenError for a context the scenario has not. */
export function placed(segments: readonly Segment[], homes: readonly number[]): Segment[] {
  const at = [...homes];
  return segments.map((segment) => {
    const { context, steps } = segment;
    const was = at[context];
    if (was === undefined) throw new TokenError(`the scenario has no context ${context}`);
    const cpu = segment.cpu < 0 ? was : segment.cpu;
    at[context] = cpu;
    return { context, cpu, steps };
  });
}
