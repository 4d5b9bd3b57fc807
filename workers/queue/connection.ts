// SPDX-License-Identifier: GPL-2.0-only
/** A connection to Redis or Valkey. The packages for it are optional, and loaded only here. */
import type { Redis } from "ioredis";

/** The queue cannot be used; the message is for the user. */
export class BadQueue extends Error {
  override name = "BadQueue";
}

/** At most so long between two attempts to find a server again that has gone. */
const MOST_MS = 1000;

/** Waits for a server that goes away later, but not for one that was never there. @throws BadQueue */
export async function connect(url: string): Promise<Redis> {
  const { Redis } = await packages();
  let isReached = false;
  let last: Error | undefined;
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (isReached ? Math.min(times * 50, MOST_MS) : null),
  });
  redis.on("error", (error) => {
    last = error;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    throw new BadQueue(`cannot reach ${shown(url)}: ${reasonOf(last ?? (error as Error))}`);
  }
  isReached = true;
  return redis;
}

/** An address of a server without the password that it may have. */
export function shown(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//");
}

export function isAddress(url: string): boolean {
  return /^rediss?:\/\/[^\s/]+/.test(url) && URL.canParse(url);
}

/** An attempt at several addresses fails with one error for all of them, which has no message. */
function reasonOf(error: Error): string {
  const [first] = error instanceof AggregateError ? error.errors : [];
  return (first ?? error).message;
}

async function packages() {
  try {
    return await import("ioredis");
  } catch (error) {
    throw missing(error);
  }
}

/** @throws BadQueue where BullMQ is not installed. */
export async function bullmq() {
  try {
    return await import("bullmq");
  } catch (error) {
    throw missing(error);
  }
}

function missing(error: unknown): unknown {
  if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") return error;
  return new BadQueue("a queue needs two more packages: npm install bullmq ioredis");
}
