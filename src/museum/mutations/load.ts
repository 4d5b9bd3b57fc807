/** A mutation by its id, or from a file outside of the tree. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { SystemClasses } from "../../kernel/classes.ts";
import { KernelBug } from "../../machine/kernel-bug.ts";
import { quoted } from "../../machine/quoted.ts";
import { type Mutation, mutations } from "./index.ts";

/** There is no such mutation, or it is none that a machine can be built with. */
export class NoMutation extends Error {
  override name = "NoMutation";
}

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
  if (typeof mutation.change !== "function") throw new NoMutation(`${name}: change is no function`);
  loaded.set(name, mutation);
  return mutation;
}

async function importFile(name: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(resolve(name)).href);
  } catch (error) {
    throw new NoMutation(`${name} cannot be loaded: ${messageOf(error)}`, { cause: error });
  }
}

type Table = Readonly<Record<string, unknown>>;

const isTable = (value: unknown): value is Table => typeof value === "object" && value !== null;

/**
 * The table with the mutation in it.
 * @throws NoMutation where it throws, returns no table, names a class that this table does not have,
 * or leaves every class as it was.
 */
export function mutate({ id, change }: Mutation, classes: SystemClasses): SystemClasses {
  const changed = attempt(id, change, classes);
  if (!isTable(changed)) {
    throw new NoMutation(`${id}: change returns no classes; return { ...classes, Part }`);
  }
  const before: Table = { ...classes };
  let changes = 0;
  for (const [part, now] of Object.entries(changed)) {
    if (!(part in before)) {
      const parts = Object.keys(before).join(", ");
      throw new NoMutation(`${id}: ${classes.allocator} has no class ${part}; it has ${parts}`);
    }
    if (typeof now !== typeof before[part]) throw new NoMutation(`${id}: ${part} is no class`);
    if (now !== before[part]) changes++;
  }
  if (changes === 0) throw new NoMutation(`${id} changes no class of ${classes.allocator}`);
  return changed as unknown as SystemClasses;
}

function attempt(id: string, change: Mutation["change"], classes: SystemClasses): unknown {
  return blaming(id, `change throws for ${classes.allocator}`, () => change(classes));
}

/** Does `work`, which runs code of the mutation `name`; what that throws is its fault. */
export function blaming<T>(name: string, what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof NoMutation || error instanceof KernelBug) throw error;
    throw new NoMutation(`${name}: ${what}: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return quoted(error instanceof Error ? error.message : String(error));
}
