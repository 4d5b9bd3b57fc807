// SPDX-License-Identifier: GPL-2.0-only
/** Where the jobs of a search run: `--queue URL` and `--shard I/N`. */
import { InvalidArgumentError, Option } from "commander";
import { isAddress } from "../../../workers/queue/connection.ts";
import type { Slice } from "../../museum/plan.ts";

/** What the commands have in common whose searches are jobs. */
export interface JobOptions {
  junit?: string;
  shard?: Slice;
  queue?: string;
  json?: true;
  quiet?: true;
}

export function queueOption(): Option {
  return new Option(
    "--queue <url>",
    "run the jobs on workers (slablab worker) by Redis or Valkey: redis://host[:port]",
  ).argParser(queueAddress);
}

export function queueAddress(written: string): string {
  if (isAddress(written)) return written;
  throw new InvalidArgumentError("It must be redis://HOST[:PORT] or rediss://HOST[:PORT].");
}

export function shardOption(): Option {
  return new Option(
    "--shard <i/n>",
    "run only every nth job, from job i on (0/n to n-1/n), for `slablab merge`",
  ).argParser(slice);
}

function slice(written: string): Slice {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(written) ?? [];
  if (index !== undefined && Number(index) < Number(of)) {
    return { index: Number(index), of: Number(of) };
  }
  throw new InvalidArgumentError("It must be I/N, from 0/N to N-1/N.");
}
