/** A mutation by its id, or from a file outside of the tree. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Mutation, mutations } from "./index.ts";

/** There is no such mutation. */
export class NoMutation extends Error {}

function isMutation(value: unknown): value is Mutation {
  return typeof value === "object" && value !== null && "change" in value && "id" in value;
}

/** `name`: an id, or a module that exports a mutation. @throws NoMutation */
export async function loadMutation(name: string): Promise<Mutation> {
  const known = mutations.get(name);
  if (known !== undefined) return known;
  if (!/\.[mc]?[jt]s$/.test(name)) {
    const ids = [...mutations.values()].map(({ id, title }) => `  ${id.padEnd(6)}${title}`);
    throw new NoMutation(`no mutation ${name}; name a .ts file, or one of\n${ids.join("\n")}`);
  }
  const module: Record<string, unknown> = await importFile(name);
  const mutation = Object.values(module).find(isMutation);
  if (mutation === undefined) throw new NoMutation(`${name} exports no mutation: { id, change }`);
  return mutation;
}

async function importFile(name: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(resolve(name)).href);
  } catch (error) {
    throw new NoMutation(`${name} cannot be loaded: ${(error as Error).message}`, { cause: error });
  }
}
