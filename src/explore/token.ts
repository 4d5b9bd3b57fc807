// SPDX-License-Identifier: MIT
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
 * With store buffers the model ends the token (`:tso`), and a turn of a buffer has the number of a
 * store where others have their CPU.
 *
 * The hash tells whether a schedule still fits a program that has changed: it covers kind and field
 * of the accesses, not their place in the source.
 */
import { quoted } from "../machine/quoted.ts";
import type { Segment } from "./schedulers/replay.ts";
import { MEMORY_MODELS, type MemoryModel } from "./store-buffers.ts";

export interface Token {
  readonly scenario: string;
  /** Operations left out, as `context.operation`. */
  readonly without: readonly string[];
  /** 8 hexadecimal digits. */
  readonly hash: string;
  /** `cpu` -1: the one where the context was before, at first its own. */
  readonly segments: readonly Segment[];
  readonly model: MemoryModel;
}

/** The token cannot be read, or does not fit the program. */
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
  const model = token.model === "sc" ? "" : `:${token.model}`;
  return `v1:${name}:${token.hash}:${turns.join(".")}${model}`;
}

/** @throws TokenError that quotes the wrong part of the text. */
export function parseToken(text: string): Token {
  const [version, name, hash, turns, model = "sc", ...rest] = text.trim().split(":");
  if (version !== "v1")
    throw new TokenError(`a token begins with v1:, not with "${quoted(version ?? "")}"`);
  if (!name || hash === undefined || turns === undefined || rest.length > 0) {
    throw new TokenError("a token has four parts: v1:SCENARIO:HASH:SCHEDULE");
  }
  const known = MEMORY_MODELS.find((one) => one === model);
  if (known === undefined)
    throw new TokenError(`"${quoted(model)}" is no memory model: ${MEMORY_MODELS.join(", ")}`);
  if (!/^[0-9a-f]{8}$/.test(hash))
    throw new TokenError(`"${quoted(hash)}" is not a hash: 8 hexadecimal digits`);
  const [scenario = "", ...without] = name.split("~");
  for (const left of without) {
    if (!/^\d+\.\d+$/.test(left))
      throw new TokenError(`"${quoted(left)}" is not an operation: CONTEXT.NUMBER`);
  }
  const segments = turns.split(".").map(parseTurn);
  return { scenario, without, hash, segments, model: known };
}

function parseTurn(turn: string): Segment {
  const match = /^(\d{1,3})(?:@(\d{1,6}))?x(\d{1,7})$/.exec(turn);
  const steps = Number(match?.[3]);
  if (match === null || steps === 0) {
    throw new TokenError(
      `"${quoted(turn)}" is not a turn: CONTEXT[@CPU]xSTEPS, with at least one step`,
    );
  }
  return { context: Number(match[1]), cpu: Number(match[2] ?? -1), steps };
}

/** The segments with every CPU named. @throws TokenError for a context that the scenario does not have. */
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
