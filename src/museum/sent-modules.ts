// SPDX-License-Identifier: GPL-2.0-only
/**
 * A user's module, with the files it imports by a relative path, as text that goes with a job to
 * another machine. There it is loaded under its own address without being written anywhere; what it
 * imports by a package's name comes from the packages of that machine.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** By path as the user gave it, for the first; the others by the address they are imported from. */
export interface SentModules {
  /** Of the slablab that sends: its own files are not sent, since the other machine has the same. */
  readonly root: string;
  /** Address of each path that a job names. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Text of each address. */
  readonly texts: Readonly<Record<string, string>>;
}

/** By its name a file is a module, not a scenario as text, and not an id. */
export const isModule = (path: string): boolean => /\.[cm]?[jt]s$/.test(path);

const OWN = new URL("../../", import.meta.url).href;
const RELATIVE = /\b(?:from|import)\s*\(?\s*["'](\.\.?\/[^"'\n]+)["']/g;

/** Reads what a machine needs that has none of the user's files. */
export function modulesToSend(paths: readonly string[]): SentModules {
  const texts: Record<string, string> = {};
  const add = (address: string): void => {
    const file = fileURLToPath(address);
    if (address in texts || address.startsWith(OWN) || !existsSync(file)) return;
    const text = readFileSync(file, "utf8");
    texts[address] = text;
    for (const [, other] of text.matchAll(RELATIVE)) add(new URL(other as string, address).href);
  };
  const addresses = Object.fromEntries(
    paths.map((path) => [path, pathToFileURL(resolve(path)).href]),
  );
  for (const address of Object.values(addresses)) add(address);
  return { root: OWN, addresses, texts };
}

let sent: SentModules = { root: OWN, addresses: {}, texts: {} };
let mark = "";

/** From here on this thread takes these modules from their text. */
export function useSentModules(modules: SentModules): void {
  if (Object.keys(modules.texts).length === 0) return;
  if (mark === "") registerHooks({ resolve: resolveSent, load: loadSent });
  sent = modules;
  // A module that has been sent again with another text is another module.
  mark = createHash("sha256").update(JSON.stringify(modules)).digest("hex");
}

/** Where a module that the user names is loaded from. */
export function moduleAddress(path: string): string {
  const address = sent.addresses[path];
  if (address === undefined) return pathToFileURL(resolve(path)).href;
  return address in sent.texts ? marked(address) : ofThisMachine(address);
}

const marked = (address: string): string => `${address}?sent=${mark}`;

function ofThisMachine(address: string): string {
  return address.startsWith(sent.root) ? OWN + address.slice(sent.root.length) : address;
}

function textOf(address: string): string | undefined {
  return address.endsWith(`?sent=${mark}`)
    ? sent.texts[address.split("?")[0] as string]
    : undefined;
}

type Resolve = NonNullable<Parameters<typeof registerHooks>[0]["resolve"]>;
type Load = NonNullable<Parameters<typeof registerHooks>[0]["load"]>;

const resolveSent: Resolve = (specifier, context, next) => {
  if (textOf(specifier) !== undefined) return { url: specifier, shortCircuit: true };
  const { parentURL = "" } = context;
  if (textOf(parentURL) === undefined) return next(specifier, context);
  if (!/^\.\.?\//.test(specifier)) {
    const parentURL = pathToFileURL(join(process.cwd(), "module.js")).href;
    return next(specifier, { ...context, parentURL });
  }
  const address = new URL(specifier, parentURL.split("?")[0]).href;
  if (address in sent.texts) return { url: marked(address), shortCircuit: true };
  return next(ofThisMachine(address), context);
};

const loadSent: Load = (url, context, next) => {
  const text = textOf(url);
  if (text === undefined) return next(url, context);
  const isTyped = /\.[cm]?ts\?/.test(url);
  const source = isTyped ? stripTypeScriptTypes(text) : text;
  return { format: "module", source, shortCircuit: true };
};
