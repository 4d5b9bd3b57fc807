/** A mutation by its id, or from a file outside of the tree. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { SYSTEM_CLASSES } from "../../kernel/system.ts";
import { type Mutation, mutations } from "./index.ts";

/** There is no such mutation. */
export class NoMutation extends Error {}

/** Those of the tree, and of files that this thread has loaded. */
const loaded = new Map(mutations);

/** A mutation that has been loaded before. @throws NoMutation */
export function loadedMutation(name: string): Mutation {
  const known = loaded.get(name);
  if (known === undefined) throw new NoMutation(`the mutation ${name} was not loaded`);
  return known;
}

function isMutation(value: unknown): value is Mutation {
  return typeof value === "object" && value !== null && "change" in value && "id" in value;
}

/** `name`: an id, or a module that exports a mutation. @throws NoMutation */
export async function loadMutation(name: string): Promise<Mutation> {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  if (!/\.[mc]?[jt]s$/.test(name)) {
    const ids = [...mutations.values()].map(({ id, title }) => `  ${id.padEnd(6)}${title}`);
    throw new NoMutation(`no mutation ${name}; name a .ts file, or one of\n${ids.join("\n")}`);
  }
  const module: Record<string, unknown> = await importFile(name);
  const mutation = Object.values(module).find(isMutation);
  if (mutation === undefined) throw new NoMutation(`${name} exports no mutation: { id, change }`);
  checkChange(name, mutation);
  loaded.set(name, mutation);
  return mutation;
}

/** What whoever writes one gets wrong is better said now than when a machine is built of it. */
function checkChange(name: string, { change }: Mutation): void {
  if (typeof change !== "function") throw new NoMutation(`${name}: change is no function`);
  const changed: unknown = change(SYSTEM_CLASSES);
  if (!isTable(changed)) {
    throw new NoMutation(`${name}: change returns no classes; return { ...classes, Part }`);
  }
  if (countChanges(name, "", { ...SYSTEM_CLASSES }, changed) > 0) return;
  throw new NoMutation(`${name}: change changes no part; return one in the place of another`);
}

type Table = Readonly<Record<string, unknown>>;

const isTable = (value: unknown): value is Table => typeof value === "object" && value !== null;

/** Parts that differ; SLAB's lie deeper, in a table for each kernel. */
function countChanges(name: string, within: string, before: Table, after: Table): number {
  let changes = 0;
  for (const [part, now] of Object.entries(after)) {
    const old = before[part];
    const path = within + part;
    if (old === undefined) {
      const parts = Object.keys(before).join(", ");
      throw new NoMutation(`${name}: there is no part ${path}; there are ${parts}`);
    }
    if (isTable(old) && isTable(now)) changes += countChanges(name, `${path}.`, old, now);
    else if (typeof now !== typeof old) throw new NoMutation(`${name}: ${path} is no class`);
    else if (now !== old) changes++;
  }
  return changes;
}

async function importFile(name: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(resolve(name)).href);
  } catch (error) {
    throw new NoMutation(`${name} cannot be loaded: ${(error as Error).message}`, { cause: error });
  }
}
