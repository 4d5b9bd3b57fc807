// SPDX-License-Identifier: GPL-2.0-only
/**
 * What a worker of the page begins with. All modules of the laboratory come in one file; each is loaded
 * as a module of its own, under its own name, so that a stack in the page names the functions and lines
 * of the source.
 */
import type { Laboratory, Pack } from "./laboratory.ts";

const IMPORTED = /"lab:([^"]+)"/g;
const at = new URL("./", import.meta.url);

async function load(): Promise<Laboratory & { readonly last: string }> {
  const answer = await fetch(new URL("modules.json", at));
  const { modules, texts }: Pack = await answer.json();
  const addresses = new Map<string, string>();
  const addressOf = (path: string): string => addresses.get(path) ?? path;
  let last = "";
  for (const [path, text] of modules) {
    const linked = text.replace(IMPORTED, (_, other: string) => `"${addressOf(other)}"`);
    const named = `${linked}\n//# sourceURL=${new URL(path, at).href}`;
    last = URL.createObjectURL(new Blob([named], { type: "text/javascript" }));
    addresses.set(path, last);
  }
  const all = new Map([...modules, ...Object.entries(texts)]);
  return { at, addressOf, textOf: (path) => all.get(path), last };
}

// What the page sends meanwhile would be lost: this module has run when it begins to wait.
const scope = globalThis as unknown as { onmessage: (event: unknown) => void };
const early: unknown[] = [];
scope.onmessage = (event) => early.push(event);

const laboratory = await load();
const { start } = await import(laboratory.last);
start(laboratory);
for (const event of early) scope.onmessage(event);
