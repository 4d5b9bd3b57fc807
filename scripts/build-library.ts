/**
 * Builds the library in dist/library.
 *
 * The library is small rather than readable, since a program's users download it. What an entry
 * exports stays in modules of its own, so that a bundler can leave out what a program does not use;
 * the modules behind are put together. Comments are only in the declarations of what is exported. The
 * maps tell only of lines that can be in a stack, and only which line. What no entry exports has
 * declarations without maps.
 */
import { execFileSync } from "node:child_process";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { decode, encode, type SourceMapSegment } from "@jridgewell/sourcemap-codec";
import { transform } from "esbuild";
import { type Plugin, rollup } from "rollup";
import { minify } from "vite";
import { mergeDeclarations } from "./merge-declarations.ts";
import { shakeDeclarations } from "./shake-declarations.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const source = join(root, "src");
const library = join(root, "dist/library");

const ENTRIES = [
  "kernel/index",
  "explore/index",
  "laboratory/index",
  "testing/vitest",
  "testing/node-test",
];

/** Where each line of a file comes from. */
type Mappings = readonly SourceMapSegment[][];

/** A blank stands before the parenthesis of `if` and of what is only grouped, none before that of a call. */
const CALL = /[\w$)\]>.]\(|`|\bthrow\b/;

/** The first line of a function, which calls nothing. */
const HEAD =
  /^\s*(?:(?:export|async|private|protected|override|static|get|set|function) )*[\w$]+(?:<.*>)?\([^=]*[^>] \{$/;

/** The first position of each line of the source that calls or throws, where the line changes. */
function firstOfCalls(mappings: Mappings, sources: readonly string[]): SourceMapSegment[][] {
  const texts = sources.map((path) => readFileSync(path, "utf8").split("\n"));
  let file = -1;
  let line = -1;
  return mappings.map((segments) =>
    segments.flatMap(([column, ...from]): SourceMapSegment[] => {
      if (from.length === 0 || (from[0] === file && from[1] === line)) return [];
      const text = texts[from[0]]?.[from[1]] ?? "";
      if (!CALL.test(text) || HEAD.test(text)) return [];
      [file, line] = from;
      return [[column, file, line, 0]];
    }),
  );
}

function writeMap(
  path: string,
  thin: (mappings: Mappings, sources: readonly string[]) => SourceMapSegment[][],
): void {
  const { sources, mappings } = JSON.parse(readFileSync(path, "utf8"));
  const paths = sources.map((source: string) => join(dirname(path), source));
  const thinned = encode(thin(decode(mappings), paths));
  const sourceRoot = sources.length > 1 ? `${relative(dirname(path), source)}/` : undefined;
  const shared = sourceRoot === undefined ? dirname(path) : source;
  const names = paths.map((from: string) => relative(shared, from));
  const map = { version: 3, sourceRoot, sources: names, names: [], mappings: thinned };
  writeFileSync(path, JSON.stringify(map));
}

/** The modules, without extension, that an entry and those behind it name. */
function reachable(named: RegExp): string[] {
  const found = new Set(ENTRIES);
  for (const path of found) {
    const text = readFileSync(join(source, `${path}.ts`), "utf8");
    for (const [, to] of text.matchAll(named)) found.add(join(dirname(path), to as string));
  }
  return [...found];
}

const typeless: Plugin = {
  name: "typeless",
  transform: (code) =>
    transform(code, {
      loader: "ts",
      sourcemap: true,
      tsconfigRaw: { compilerOptions: { target: "es2023", verbatimModuleSyntax: true } },
    }),
};

const minified: Plugin = {
  name: "minified",
  async renderChunk(code, { fileName }) {
    const target = "es2023";
    const small = await minify(fileName, code, { compress: { target }, sourcemap: true });
    return { code: small.code, map: small.map ?? null };
  },
};

/** Ends lines, since a stack names them: the other knows only one. */
const inLines: Plugin = {
  name: "in-lines",
  renderChunk: (code) =>
    transform(code, {
      format: "esm",
      minify: true,
      lineLimit: 480,
      charset: "utf8",
      sourcemap: true,
    }),
};

async function buildModules(): Promise<void> {
  const exported = reachable(/^export (?!type )[^;]*? from "(\.[^"]+)\.ts"/gm);
  const bundle = await rollup({
    input: Object.fromEntries(exported.map((path) => [path, join(source, `${path}.ts`)])),
    external: ["vitest", /^node:/],
    plugins: [typeless, minified, inLines],
    preserveEntrySignatures: "strict",
  });
  await bundle.write({
    dir: library,
    chunkFileNames: "[name].js",
    hoistTransitiveImports: false,
    sourcemap: true,
    sourcemapExcludeSources: true,
  });
  for (const path of globSync(`${library}/**/*.js.map`)) writeMap(path, firstOfCalls);
}

const COMMENT = String.raw`^ *\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n`;

/** What readers of declarations do not see: a file's opening comment, and comments on private members. */
const UNSEEN = [
  /^\/\*\*[\s\S]*?\*\/\n(?=import |export [{*]|\/\*\*)/,
  new RegExp(`${COMMENT}(?= +private )`, "gm"),
];
/** Of what no entry exports, which may change with any version, only the types count. */
const COMMENTS = [new RegExp(COMMENT, "gm")];
/**
 * One member that others do not have is enough to keep a class apart: no private one, or the last in a
 * row. Those that a mutation may override stay.
 */
const PRIVATE = /^ +private .*;\n/gm;
const PRIVATE_IN_A_ROW = /^ +private .*;\n(?=(?:\0\n)* +private )/gm;
/** Of a member: nobody writes to it from outside. Types of arrays keep theirs. */
const READONLY = /^((?:(?:private|protected|abstract|static) )*)readonly (?=[\w$]+\??[:;])/;

/** Text between quotes; blanks around an operator, or behind a separator. */
const BLANKS = /(from )?"(?:[^"\\\n]|\\.)*"|`[^`]*`| *(=>|[|&{}=?]) *|([,:;(]) +/g;

/** A line without the blanks that only readers need. */
function dense(line: string): string {
  if (/^\s*(?:\/?\*|\/\/)/.test(line)) return line;
  const ambient = line.replace(/^export declare /, "export ");
  return ambient.replace(BLANKS, (text, from, operator, separator) =>
    from === undefined ? (operator ?? separator ?? text) : text.replace(" ", ""),
  );
}

/** Imported names that are used often have short ones here: types are shown by the names they were given. */
function withShortNames(text: string): string {
  const head = /^(?:import\{[^}]*\}from"[^"]*";)*/.exec(text)?.[0] ?? "";
  let imports = head;
  let body = text.slice(head.length);
  const names = [...head.matchAll(/\{([^}]*)\}/g)].flatMap(([, list = ""]) => list.split(","));
  for (const [i, name] of names.entries()) {
    const uses = new RegExp(`(?<![\\w$."])${name}(?![\\w$":]|\\?:)`, "g");
    const short = `$${i}`;
    const saved = (body.match(uses) ?? []).length * (name.length - short.length);
    if (saved <= ` as ${short}`.length) continue;
    body = body.replace(uses, () => short);
    imports = imports.replace(new RegExp(`(?<=[{,])${name}(?=[,}])`), () => `${name} as ${short}`);
  }
  return imports + body;
}

/** Text between quotes; the name of a parameter. */
const PARAMETERS = /"(?:[^"\\\n]|\\.)*"|`[^`]*`|(?<=[(,]|\.\.\.)(?!this\b)([\w$]+)(?=\??:)/g;

/** Nobody reads what the parameters are called here; of 26 in a row all are different. */
function withShortParameters(text: string): string {
  let count = 0;
  return text.replace(PARAMETERS, (found, name) =>
    name === undefined ? found : String.fromCharCode(97 + (count++ % 26)),
  );
}

/** Makes one file of declarations small, and its map; that of what no entry exports has none. */
function shrinkDeclarations(path: string, isExported: boolean): void {
  const unseen = "\0";
  const declared = readFileSync(path, "utf8");
  const members = / protected /.test(declared) ? PRIVATE : PRIVATE_IN_A_ROW;
  const unseenWords = isExported ? UNSEEN : [...COMMENTS, members];
  const marked = unseenWords.reduce(
    (text, words) => text.replace(words, (lines) => lines.replace(/.*\n/g, `${unseen}\n`)),
    declared,
  );
  const all = marked.split("\n");
  const isSeen = (_: unknown, index: number): boolean => all[index] !== unseen && all[index] !== "";
  const lines = all.filter(isSeen);
  const flush = lines.map((line) => line.replace(/^ +(?=\S)/, "").replace(/^\*/, " *"));
  if (!isExported) {
    const words = lines.filter((line) => !line.startsWith("//# ")).map((line) => line.trim());
    const text = words.map((line) => dense(line.replace(READONLY, "$1"))).join("\n");
    writeFileSync(path, withShortParameters(withShortNames(text.replace(/([;{,])\n/g, "$1"))));
    rmSync(`${path}.map`, { force: true });
    return;
  }
  writeFileSync(path, flush.map(dense).join("\n"));
  const declares = (index: number): boolean => !/^\s*(?:\/?\*|\}|import )/.test(lines[index] ?? "");
  writeMap(`${path}.map`, (mappings) =>
    mappings.filter(isSeen).map(([first = [0]], index) => {
      const [, file, line] = first;
      if (file === undefined || line === undefined || !declares(index)) return [];
      return [[0, file, line, 0]];
    }),
  );
}

function buildDeclarations(): void {
  // What stands on a test runner needs its types, and Node's.
  for (const config of ["tsconfig.build.json", "tsconfig.testing.json"]) {
    execFileSync("tsc", ["-p", config], { cwd: root, stdio: "inherit" });
  }
  const wanted = shakeDeclarations(ENTRIES.map((path) => `${library}/${path}.d.ts`));
  const exported = new Set(
    reachable(/^export [^;]*? from "(\.[^"]+)\.ts"/gm).map((path) => `${library}/${path}.d.ts`),
  );
  for (const path of globSync(`${library}/**/*.d.ts`)) {
    if (!wanted.has(path)) for (const file of [path, `${path}.map`]) rmSync(file);
  }
  const behind = [...wanted].filter((path) => !exported.has(path));
  for (const path of mergeDeclarations(behind, `${library}/internals.d.ts`, [...wanted])) {
    shrinkDeclarations(path, exported.has(path));
  }
}

export async function buildLibrary(): Promise<void> {
  rmSync(library, { recursive: true, force: true });
  buildDeclarations();
  await buildModules();
}
