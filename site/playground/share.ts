// SPDX-License-Identifier: GPL-2.0-only
/** A program with its settings and token as the fragment of an address: JSON, deflated, base64url. */
import { MEMORY_MODELS } from "../../src/explore/store-buffers.ts";
import type { Wanted } from "../lab/protocol.ts";

/** What a link holds. */
export type Shared = Omit<Wanted, "seconds"> & { readonly choice: string };

const PREFIX = "#p=";

export class BadLink extends Error {}

async function through(bytes: BodyInit, stream: CompressionStream | DecompressionStream) {
  const body = new Response(bytes).body as ReadableStream<Uint8Array<ArrayBuffer>>;
  return new Uint8Array(await new Response(body.pipeThrough(stream)).arrayBuffer());
}

export async function fragmentOf(shared: Shared): Promise<string> {
  const bytes = await through(JSON.stringify(shared), new CompressionStream("deflate-raw"));
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return PREFIX + text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Undefined: the address names no program. @throws BadLink */
export async function sharedOf(fragment: string): Promise<Shared | undefined> {
  if (!fragment.startsWith(PREFIX)) return undefined;
  try {
    const text = atob(fragment.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    const json = await through(bytes, new DecompressionStream("deflate-raw"));
    return checked(JSON.parse(new TextDecoder().decode(json)));
  } catch {
    throw new BadLink("this link is damaged or from another version of the page");
  }
}

function checked(value: Partial<Shared>): Shared {
  const { kind, text, bug, memory, preemptions, token, choice } = value;
  const isWhole =
    (kind === "scenario" || kind === "program") &&
    [text, bug, choice].every((word) => typeof word === "string") &&
    (token === undefined || typeof token === "string") &&
    MEMORY_MODELS.some((model) => model === memory) &&
    Number.isInteger(preemptions);
  if (!isWhole) throw new TypeError("not a program");
  return value as Shared;
}
