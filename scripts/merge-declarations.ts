/**
 * Puts the declarations of modules that no entry exports into one file: a fifth of such a file names
 * the files beside it. In one file a name has one meaning, so a module that gives a name another
 * meaning than those before it stays by itself.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { IMPORT, type Module, moduleAt, pathFrom } from "./shake-declarations.ts";

class Merged {
  private readonly modules = new Map<string, Module>();
  /** What each name means that is declared or imported in the file. */
  private readonly meanings = new Map<string, string>();
  readonly taken = new Map<string, Module>();

  /** Takes the module, unless one of its names means something else already. */
  take(path: string): void {
    const module = this.module(path);
    const names = this.namesOf(module);
    const clashes = names.some(
      ([name, meaning]) => (this.meanings.get(name) ?? meaning) !== meaning,
    );
    if (clashes || !standsAlone(module)) return;
    for (const [name, meaning] of names) this.meanings.set(name, meaning);
    this.taken.set(path, module);
  }

  /** The text of the file, which lies at `into`. */
  text(into: string): string {
    const modules = [...this.taken.values()];
    // Several modules may export a name, which means the same.
    const sources = new Map<string, string>();
    for (const { path, name } of modules.flatMap(({ links }) => [...links.values()])) {
      if (!this.taken.has(path) && !this.declares(name)) sources.set(name, path);
    }
    const imports = [...Map.groupBy(sources, ([, path]) => path)].map(([path, names]) => {
      const list = names.map(([name]) => name).join(", ");
      return `import { ${list} } from "${specifier(into, path)}";`;
    });
    const declared = modules
      .flatMap(({ statements }) => statements)
      .filter(({ declares }) => declares !== undefined);
    return [...imports, ...declared.map(({ text }) => text), ""].join("\n");
  }

  private declares(name: string): boolean {
    const [path = ""] = this.meanings.get(name)?.split(" ") ?? [];
    return this.taken.has(path);
  }

  private module(path: string): Module {
    const module = this.modules.get(path) ?? moduleAt(path);
    this.modules.set(path, module);
    return module;
  }

  private namesOf({ path, links, statements }: Module): (readonly [string, string])[] {
    return [
      ...statements.flatMap(({ declares }) =>
        declares === undefined ? [] : [[declares, `${path} ${declares}`] as const],
      ),
      ...[...links].map(([alias, link]) => [alias, this.meaning(link.path, link.name)] as const),
    ];
  }

  /** Where the name is declared that a module exports. */
  private meaning(path: string, name: string): string {
    const link = this.module(path).links.get(name);
    return link === undefined ? `${path} ${name}` : this.meaning(link.path, link.name);
  }
}

/** Whether it imports names as they are, and only declares. */
function standsAlone({ links, stars, statements }: Module): boolean {
  const isRenamed = [...links].some(([alias, { name }]) => alias !== name);
  const isMore = statements.some(
    ({ declares, text }) =>
      text.includes("import(") ||
      (declares === undefined && !/^(?:import [^*]|\/\/|export \{\};)/.test(text)),
  );
  return !isRenamed && stars.length === 0 && !isMore;
}

function specifier(from: string, to: string): string {
  const path = relative(dirname(from), to).replace(/\.d\.ts$/, ".ts");
  return path.startsWith(".") ? path : `./${path}`;
}

/** `paths` are merged as far as they may be; all of `files` name the new file in their stead. */
export function mergeDeclarations(
  paths: readonly string[],
  into: string,
  files: readonly string[],
): ReadonlySet<string> {
  const merged = new Merged();
  for (const path of paths) merged.take(path);
  writeFileSync(into, merged.text(into));
  for (const path of merged.taken.keys()) for (const file of [path, `${path}.map`]) rmSync(file);
  const left = files.filter((path) => !merged.taken.has(path));
  for (const path of left) {
    const text = readFileSync(path, "utf8");
    const renamed = text.replace(IMPORT, (words, before: string, to: string) =>
      merged.taken.has(pathFrom(path, to)) ? `${before}"${specifier(path, into)}"` : words,
    );
    if (renamed !== text) writeFileSync(path, renamed);
  }
  return new Set([...left, into]);
}
