// SPDX-License-Identifier: GPL-2.0-only
/**
 * `slablab geometry`: how a real kernel would lay out a cache, for one question on the command
 * line or for a stream of them on standard input.
 */
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { describeFlags } from "../caches/flags.ts";
import { DEFAULT_KERNEL, type KernelVersion } from "../caches/kernel-version.ts";
import { type GeometryRequest, geometry } from "../kernel/geometry.ts";
import { badUsage } from "./common.ts";
import { jsonDocument } from "./document.ts";
import type { GeometryOptions } from "./options/geometry.ts";

/** A longer line of input is no question; it is answered with an error, not gathered in memory. */
const MAX_LINE_LENGTH = 1 << 20;

/** What each column means, in words; the columns themselves are `struct kmem_cache`'s fields. */
const MEANINGS: Readonly<Record<string, string>> = {
  slab_size: "bytes from one object to the next",
  buf_size: "bytes from one object to the next",
  object_size: "bytes the user asked for",
  cache_align: "bytes",
  inuse: "bytes up to the end of the object and its red zone",
  offset: "bytes from the object to its free pointer",
  red_left_pad: "bytes of red zone before the object",
  order: "a slab has 2^order pages",
  gfporder: "a slab has 2^gfporder pages",
  objs: "objects in a slab",
  num: "objects in a slab",
  min_order: "order that is tried when memory is short",
  min_objs: "objects in a slab of that order",
  min_partial: "empty slabs a node keeps at least",
  cpu_partial: "objects a CPU's partial list may hold",
  cpu_partial_slabs: "slabs a CPU's partial list may hold (5.16 to 6.19)",
  sheaf_capacity: "objects in a CPU's sheaf (6.18 on)",
  colour: "colours, 0 and 1 mean none",
  colour_off: "bytes from one colour to the next",
  freelist_size: "bytes of the index array",
  limit: "objects a CPU's array holds",
  batchcount: "objects moved at a time",
  shared: "batches in a node's shared array",
  free_limit: "free objects a node keeps",
  obj_offset: "bytes of red zone before the object",
};

/** As the options say. */
export async function answer(command: Command, options: GeometryOptions): Promise<void> {
  if (options.stdin) await answerStdin(options);
  else answerOne(command, options);
}

function answerOne(command: Command, options: GeometryOptions): void {
  if (options.size === undefined) {
    badUsage(command, "geometry needs --size or --stdin");
  }
  const answer = geometry(requestOf(options));
  if (!("size" in answer)) badUsage(command, answer.error);
  const columns: Record<string, unknown> = { ...answer };
  const text = options.json
    ? jsonDocument("geometry", { ...options }, columns)
    : describe(columns, options.kernel ?? DEFAULT_KERNEL);
  process.stdout.write(text);
}

/** The options as a question; what was not given is left to the question's own defaults. */
function requestOf(options: GeometryOptions): Partial<GeometryRequest> {
  const { stdin: _stdin, json: _json, param, ...given } = options;
  const request = param === undefined ? given : { ...given, params: param };
  return request as Partial<GeometryRequest>;
}

function describe(columns: Record<string, unknown>, kernel: KernelVersion): string {
  if (typeof columns.error === "string") return `${columns.error}\n`;
  const lines = Object.entries(columns).map(([column, value]) => {
    const meaning =
      column.endsWith("flags") && column !== "allocflags"
        ? describeFlags(kernel, Number(value)).join(" ")
        : (MEANINGS[column] ?? "");
    return `${column.padEnd(18)}${String(value).padStart(10)}  ${meaning}`.trimEnd();
  });
  return `${lines.join("\n")}\n`;
}

async function answerStdin(options: GeometryOptions): Promise<void> {
  process.stdin.setEncoding("utf8");
  const answers = (input: AsyncIterable<string>) => answerLines(input, requestOf(options));
  await pipeline(process.stdin, answers, process.stdout, { end: false });
}

/**
 * Answers a stream of text, cut anywhere, one JSON object a line: each answer stands in its
 * question's place. What a question leaves out is taken from `defaults`. Holds one chunk of input
 * and its answers at a time.
 */
export async function* answerLines(
  input: AsyncIterable<string>,
  defaults: Partial<GeometryRequest> = {},
): AsyncGenerator<string> {
  let rest = "";
  let tooLong = false;
  let line = 0;
  const answer = (text: string) => {
    line++;
    const answered = tooLong ? { error: `line ${line} is too long` } : ask(text, line, defaults);
    tooLong = false;
    return `${JSON.stringify(answered)}\n`;
  };
  for await (const chunk of input) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (lines.length > 0) yield lines.map(answer).join("");
    if (rest.length > MAX_LINE_LENGTH) {
      tooLong = true;
      rest = "";
    }
  }
  if (rest !== "" || tooLong) yield answer(rest);
}

function ask(text: string, line: number, defaults: Partial<GeometryRequest>): object {
  let question: unknown;
  try {
    question = JSON.parse(text);
  } catch (error) {
    return { error: `line ${line} is not JSON: ${(error as Error).message}` };
  }
  const isObject = typeof question === "object" && question !== null && !Array.isArray(question);
  return geometry(isObject ? { ...defaults, ...(question as object) } : question);
}
