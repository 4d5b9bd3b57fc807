/**
 * Leaves out of declaration files what no entry needs: the compiler declares all that a module
 * exports, and an entry exports a few names of it. A statement is needed if an entry exports its name,
 * or if a needed statement mentions the name.
 *
 * The compiler writes each statement at the start of a line, its further lines indented or closing a
 * bracket, so lines are enough to tell statements apart.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

interface Statement {
  /** Lines [from, to), with the comment before it. */
  readonly from: number;
  readonly to: number;
  readonly text: string;
  /** What it declares; nothing: it imports, exports again, or is a directive. */
  readonly declares: string | undefined;
}

/** A name, and the file and the name there that it stands for: `*` for all that the file exports. */
type Links = Map<string, { readonly path: string; readonly name: string }>;

export interface Module {
  readonly path: string;
  readonly lines: readonly string[];
  readonly statements: readonly Statement[];
  /** What it imports, and what it exports of others. */
  readonly links: Links;
  /** `export * from`. */
  readonly stars: readonly string[];
}

const DECLARATION =
  /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|let|function|enum|namespace) ([\w$]+)/;
const LIST = /^(?:import|export)(?: type)? \{([\s\S]*?)\} from "(\.[^"]+)";/;
const WHOLE = /^import(?: type)? \* as ([\w$]+) from "(\.[^"]+)";/;
/** Where a file names another: what stands before the name, and the name. */
export const IMPORT = /(\bfrom |\bimport\()"(\.[^"]+)"/g;
const STAR = /^export \* from "(\.[^"]+)";/;

function statementsOf(lines: readonly string[]): Statement[] {
  const statements: Statement[] = [];
  let from = 0;
  for (let line = 0; line < lines.length; line++) {
    if (!/^(?:\w|\/\/\/)/.test(lines[line] as string)) continue;
    let to = line + 1;
    while (to < lines.length && /^[\s})\]|&]/.test(lines[to] as string)) to++;
    const text = lines.slice(line, to).join("\n");
    statements.push({ from, to, text, declares: DECLARATION.exec(text)?.[1] });
    from = to;
    line = to - 1;
  }
  return statements;
}

export function pathFrom(path: string, named: string): string {
  return join(dirname(path), named.replace(/\.[jt]s$/, ".d.ts"));
}

export function moduleAt(path: string): Module {
  const lines = readFileSync(path, "utf8").split("\n");
  const statements = statementsOf(lines);
  const links: Links = new Map();
  const stars: string[] = [];
  for (const { text } of statements) {
    const [, list, from] = LIST.exec(text) ?? [];
    const [, whole, of] = WHOLE.exec(text) ?? [];
    if (whole !== undefined) links.set(whole, { path: pathFrom(path, of as string), name: "*" });
    const [, star] = STAR.exec(text) ?? [];
    if (star !== undefined) stars.push(pathFrom(path, star));
    for (const item of list?.split(",") ?? []) {
      const [name, alias = name] = item
        .trim()
        .replace(/^type /, "")
        .split(" as ");
      if (name) links.set(alias as string, { path: pathFrom(path, from as string), name });
    }
  }
  return { path, lines, statements, links, stars };
}

/** Follows names from the entries, through all that mentions them. */
class Reached {
  private readonly modules = new Map<string, Module>();
  private readonly names = new Map<string, Set<string>>();
  readonly needed = new Set<Statement>();

  module(path: string): Module {
    const module = this.modules.get(path) ?? moduleAt(path);
    this.modules.set(path, module);
    return module;
  }

  /** All that a module exports: an entry. */
  everything(path: string): void {
    const { statements, links, stars } = this.module(path);
    for (const { declares, text } of statements) {
      if (declares !== undefined && text.startsWith("export ")) this.name(path, declares);
    }
    for (const [alias, { path: from, name }] of links) {
      this.mark(path, alias);
      this.name(from, name);
    }
    for (const star of stars) this.everything(star);
  }

  isMarked(path: string, name: string): boolean {
    return this.names.get(path)?.has(name) === true;
  }

  get paths(): string[] {
    return [...this.names.keys()];
  }

  private mark(path: string, name: string): boolean {
    const names = this.names.get(path) ?? new Set();
    this.names.set(path, names);
    if (names.has(name)) return false;
    names.add(name);
    return true;
  }

  private name(path: string, name: string): void {
    if (name === "*") {
      this.everything(path);
      return;
    }
    const { statements, links } = this.module(path);
    const own = statements.filter(({ declares }) => declares === name);
    const link = links.get(name);
    if ((own.length === 0 && link === undefined) || !this.mark(path, name)) return;
    if (link !== undefined) this.name(link.path, link.name);
    for (const statement of own) this.statement(path, statement);
  }

  private statement(path: string, statement: Statement): void {
    this.needed.add(statement);
    for (const [, from, name] of statement.text.matchAll(/import\("(\.[^"]+)"\)\.([\w$]+)/g)) {
      this.name(pathFrom(path, from as string), name as string);
    }
    const code = statement.text.replace(/\/\*\*[\s\S]*?\*\//g, "");
    for (const [word] of code.matchAll(/[\w$]+/g)) this.name(path, word);
  }
}

/** The statement with the names that are needed; undefined: none of them is. */
function kept(reached: Reached, path: string, { text }: Statement): string | undefined {
  const [, whole] = WHOLE.exec(text) ?? [];
  if (whole !== undefined) return reached.isMarked(path, whole) ? text : undefined;
  const [, list] = LIST.exec(text) ?? [];
  if (list === undefined) return text;
  const items = list.split(",").filter((item) => {
    const alias = item
      .trim()
      .replace(/^type /, "")
      .split(" as ")
      .pop() as string;
    return reached.isMarked(path, alias);
  });
  return items.length === 0 ? undefined : text.replace(list, () => items.join(","));
}

/**
 * Shakes the files behind `entries`, and returns the paths of those that are needed. Lines keep their
 * numbers: what is left out leaves empty ones.
 */
export function shakeDeclarations(entries: readonly string[]): Set<string> {
  const reached = new Reached();
  for (const entry of entries) reached.everything(entry);
  for (const path of reached.paths) {
    const { lines, statements } = reached.module(path);
    const left = [...lines];
    for (const statement of statements) {
      const { from, to, declares } = statement;
      const isNeeded = declares === undefined || reached.needed.has(statement);
      const text = isNeeded ? kept(reached, path, statement) : undefined;
      if (text === statement.text) continue;
      if (text === undefined) left.fill("", from, to);
      // The compiler writes a list of names in one line.
      else left[to - 1] = text;
    }
    writeFileSync(path, left.join("\n"));
  }
  return new Set(reached.paths);
}
