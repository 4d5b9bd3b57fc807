// SPDX-License-Identifier: GPL-2.0-only
/**
 * How steps name objects, and whether each object that a file's steps name has been allocated before:
 * by set-up, for all contexts, or earlier by the same context. Steps in TypeScript may make names, too;
 * a file has no such steps.
 */
import { madeBy, type Step } from "./steps.ts";

/** `a`, all of them; `a.1`; `a.1-3`. */
export interface Reference {
  readonly name: string;
  /** Numbers of the first and the last object; undefined: all. */
  readonly range: readonly [number, number] | undefined;
}

/** Undefined if the text names no object. */
export function parseReference(text: string): Reference | undefined {
  const match = /^([a-z]\w*)(?:\.(\d+)(?:-(\d+))?)?$/i.exec(text);
  const [, name, first, last = first] = match ?? [];
  if (name === undefined) return undefined;
  if (first === undefined) return { name, range: undefined };
  return Number(first) > Number(last) ? undefined : { name, range: [Number(first), Number(last)] };
}

/** A step, and the line it is on. */
export interface PlacedStep {
  readonly line: number;
  readonly step: Step;
}

export interface Dangling {
  readonly line: number;
  readonly word: string;
  readonly why: string;
}

/** The first object that no step has allocated before, if any. */
export function danglingReference(
  setup: readonly PlacedStep[],
  contexts: readonly (readonly PlacedStep[])[],
): Dangling | undefined {
  const shared = new Map<string, number>();
  const first = firstDangling(setup, shared);
  if (first !== undefined) return first;
  for (const steps of contexts) {
    const dangling = firstDangling(steps, new Map(shared));
    if (dangling !== undefined) return dangling;
  }
  return undefined;
}

/** `made`: the number of objects of each name so far; grows. */
function firstDangling(
  steps: readonly PlacedStep[],
  made: Map<string, number>,
): Dangling | undefined {
  for (const { line, step } of steps) {
    const of = "of" in step ? step.of : undefined;
    const why = of === undefined ? undefined : whyDangling(of, made);
    if (of !== undefined && why !== undefined) return { line, word: of, why };
    const makes = madeBy(step);
    if (makes !== undefined) made.set(makes.name, makes.count);
  }
  return undefined;
}

function whyDangling(text: string, made: ReadonlyMap<string, number>): string | undefined {
  const { name = "", range } = parseReference(text) ?? {};
  const count = made.get(name);
  if (count === undefined) {
    const known = made.size === 0 ? "none is known" : `known: ${[...made.keys()].join(", ")}`;
    return `no object of that name is allocated before, here or in set-up; ${known}`;
  }
  if (range === undefined || range[1] < count) return undefined;
  return `${name} is ${count} object${count === 1 ? "" : "s"}, ${name}.0 to ${name}.${count - 1}`;
}
