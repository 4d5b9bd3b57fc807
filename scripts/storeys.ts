/**
 * The house rules that a type checker does not know: which folder may import which, and what the
 * code of a folder may not say. Files are read as text, without a parser: comments are blanked
 * first, and strings too unless a rule is about them.
 */

/** From the ground up. Folders of one row may not import each other unless they are `together`. */
const storeys = [
  ["src/machine"],
  ["src/explore"],
  ["src/pages", "src/testing", "examples"],
  ["src/caches"],
  ["src/slub", "src/slab"],
  ["src/kernel"],
  ["src/sysfs"],
  ["src/check"],
  ["src/laboratory"],
  ["src/museum"],
  ["stress", "workers"],
  ["src/report"],
  ["src/cli"],
];
const together = ["stress", "workers"];
/** For readers and tests: the product does not need it. */
const beside = ["examples"];

/** SLUB's fronts, and which others each is made of. The slab layer below them may import none. */
const fronts = new Map<string, readonly string[]>([
  ["src/slub/cpu-slab", []],
  ["src/slub/sheaves", []],
  ["src/slub/opt-in", ["src/slub/cpu-slab", "src/slub/sheaves"]],
]);
/** Where SLUB's slab layer lies, and the one file of it that knows the fronts. */
const slabLayer = ["src/slub", "src/slub/debug"];
const knowsFronts = "src/slub/kernels.ts";

const levels = new Map(storeys.flatMap((row, level) => row.map((name) => [name, level] as const)));

/** What stands in for typed arrays and Atomics, and code as users write it, have to know them. */
const overArrays = [
  "src/explore/javascript/",
  "src/testing/threads/",
  "examples/structures/",
  "examples/found/",
];

/** The allocator's own code, which the explorer runs again and again from the start. */
const rerun = ["pages", "caches", "slub", "slab", "kernel"].map((name) => `src/${name}`);

/** Files that name versions of the kernel to say what each is made of. */
const versionTables = [
  "src/caches/kernel-version.ts",
  "src/slub/kernels.ts",
  "src/slab/kernels.ts",
];

interface Ban {
  words: RegExp;
  in: (storey: string, path: string) => boolean;
  why: string;
  /** Where else words are looked for; in code only if left out. */
  also?: "strings" | "strings and comments";
}

const bans: Ban[] = [
  {
    words:
      /\bAtomics\s*\.|\bWebAssembly\s*\.|\b(?:DataView|(?:Shared)?ArrayBuffer|(?:Big)?(?:Int|Uint|Float)\d+(?:Clamped)?Array)\s*(?:<\w+>\s*)?[.(]/g,
    in: (storey, path) =>
      storey !== "src/machine" && !overArrays.some((folder) => path.startsWith(folder)),
    why: "only src/machine touches typed arrays and Atomics",
  },
  {
    words: /\bcatch\s*[({]|\bfinally\s*[({]|\busing\s+\w+\s*=/g,
    in: (storey) => storey === "src/machine" || rerun.includes(storey),
    why: "an operation is suspended by a throw that nothing may hold up",
  },
  {
    words: /\b(?:Date|performance|setTimeout|setInterval|queueMicrotask)\b|\bMath\.random\b/g,
    in: (storey) => rerun.includes(storey),
    why: "time and chance come through Memory, or a re-run would differ",
  },
  {
    words: /(?:[!=]==?|\bcase)\s*["'`]\d+\.\d+["'`]|["'`]\d+\.\d+["'`]\s*[!=]==?/g,
    in: (_, path) => !versionTables.includes(path),
    why: "ask since() what a kernel has, or its table of classes",
    also: "strings",
  },
  {
    words: /\b\w*[nN]ewer\b|\bnewer\w+/g,
    in: (storey) => storey.startsWith("src/"),
    why: "there are more than two kernels; say since which release",
    also: "strings and comments",
  },
];

/** One place that breaks a rule, as `path:line: what (why)`. */
export type Offence = string;

/**
 * Every offence in `files` (path from the repository's root, to text). `explained` names files that
 * may break a ban, with the reason.
 */
export function offences(
  files: ReadonlyMap<string, string>,
  explained: Readonly<Record<string, string>> = {},
): Offence[] {
  return [...files].flatMap(([path, text]) => [
    ...strayImports(path, text),
    ...(path in explained ? [] : bannedWords(path, text)),
  ]);
}

function strayImports(path: string, text: string): Offence[] {
  const from = storeyOf(path);
  if (from === undefined) return [`${path}:1: lies in no storey`];
  return references(blank(text, false)).flatMap(({ target, line, isFile }) => {
    const file = resolve(path, target);
    const to = storeyOf(file);
    const allowed = to === undefined ? isFile : mayImport(from, to);
    if (!allowed) return [`${path}:${line}: imports ${target} (${from} is not above it)`];
    if (mayKnowFront(path, file)) return [];
    return [`${path}:${line}: imports ${target} (SLUB's slab layer and its fronts stand apart)`];
  });
}

function mayKnowFront(path: string, imported: string): boolean {
  const front = [...fronts.keys()].find((folder) => isIn(folder, imported));
  if (front === undefined || path === knowsFronts) return true;
  const isOfLayer = slabLayer.includes(path.slice(0, path.lastIndexOf("/")));
  const own = [...fronts].find(([folder]) => isIn(folder, path));
  return !isOfLayer && (own === undefined || own[0] === front || own[1].includes(front));
}

function isIn(folder: string, file: string): boolean {
  return file.startsWith(`${folder}/`);
}

function bannedWords(path: string, text: string): Offence[] {
  const storey = storeyOf(path) ?? "";
  return bans
    .filter((ban) => ban.in(storey, path))
    .flatMap((ban) => {
      const read = ban.also === "strings and comments" ? text : blank(text, ban.also === undefined);
      return [...read.matchAll(ban.words)].map(
        (match) => `${path}:${lineOf(read, match.index)}: ${match[0].trim()} (${ban.why})`,
      );
    });
}

function mayImport(from: string, to: string): boolean {
  if (from === to) return true;
  if (together.includes(from) && together.includes(to)) return true;
  if (beside.includes(to)) return false;
  return levels.get(to)! < levels.get(from)!;
}

function storeyOf(path: string): string | undefined {
  const [top = "", next = "", ...rest] = path.split("/");
  const storey = top === "src" && rest.length > 0 ? `src/${next}` : top;
  return levels.has(storey) ? storey : undefined;
}

/** Relative module specifiers, and files named by `new URL`, which need not be modules. */
function references(code: string) {
  const forms = [
    { pattern: /\b(?:import|export)\b[^"'`;]*?\bfrom\s*["'](\.[^"']*)["']/g, isFile: false },
    { pattern: /\bimport\s*\(?\s*["'`](\.[^"'`]*)["'`]/g, isFile: false },
    { pattern: /\bnew\s+URL\(\s*["'`](\.[^"'`]*)["'`]/g, isFile: true },
  ];
  return forms.flatMap(({ pattern, isFile }) =>
    [...code.matchAll(pattern)].map((match) => ({
      target: match[1]!,
      line: lineOf(code, match.index + match[0].length),
      isFile,
    })),
  );
}

/** `target`, relative to the file `path`, as a path from the root; above the root it keeps `..`. */
function resolve(path: string, target: string): string {
  const parts = path.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** `text` with comments, and strings if asked, turned to spaces; every line stays where it was. */
function blank(text: string, strings: boolean): string {
  const tokens =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`/g;
  return text.replace(tokens, (token) =>
    strings || token.startsWith("/") ? token.replace(/[^\n]/g, " ") : token,
  );
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}
