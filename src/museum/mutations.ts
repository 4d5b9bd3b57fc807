// SPDX-License-Identifier: GPL-2.0-only
/** The mutations of the museum by id, and those that files outside of the tree export. */
import { type Mutation, messageOf, NoMutation } from "../laboratory/mutation.ts";
import { EXHIBITS } from "./bugs/index.ts";
import { isModule, moduleAddress } from "./sent-modules.ts";

/** By id, in the order of the catalogue; one that has an alias, by that as well. */
export const mutations: ReadonlyMap<string, Mutation> = new Map(
  EXHIBITS.flatMap(({ id, alias, mutation }) =>
    mutation === null ? [] : [id, alias ?? id].map((name) => [name, mutation] as const),
  ),
);

/** Those of the tree by id, and by address those of files that this thread has loaded. */
const loaded = new Map(mutations);

const keyOf = (name: string): string => (isModule(name) ? moduleAddress(name) : name);

function isMutation(value: unknown): value is Mutation {
  return typeof value === "object" && value !== null && "change" in value && "id" in value;
}

/** `name`: an id, or a module that exports a mutation. @throws NoMutation */
export async function loadMutation(name: string): Promise<Mutation> {
  const known = loaded.get(keyOf(name));
  if (known !== undefined) return known;
  if (!isModule(name)) {
    const ids = [...mutations].map(([id, { title }]) => `  ${id.padEnd(6)}${title}`);
    throw new NoMutation(`no mutation ${name}; name a .ts file, or one of\n${ids.join("\n")}`);
  }
  const module: Record<string, unknown> = await importFile(name);
  const mutation = Object.values(module).find(isMutation);
  if (mutation === undefined) throw new NoMutation(`${name} exports no mutation: { id, change }`);
  if (typeof mutation.change !== "function") throw new NoMutation(`${name}: change is no function`);
  loaded.set(keyOf(name), mutation);
  return mutation;
}

async function importFile(name: string): Promise<Record<string, unknown>> {
  try {
    return await import(moduleAddress(name));
  } catch (error) {
    throw new NoMutation(`${name} cannot be loaded: ${messageOf(error)}`, { cause: error });
  }
}
