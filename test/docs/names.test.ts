/** What the documents name exists: files, functions in them, exhibits, links, printed output. */
import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { EXHIBITS } from "../../src/museum/bugs/index.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const TOP = "src|stress|workers|test|examples|bench|scripts|docs|bin";
const FILE = new RegExp(`(?:^|[\\s\`(])((?:${TOP})/[\\w./-]*\\w/?)(?=[\\s\`),:;.]|$)`, "gm");
const FUNCTION = new RegExp(`\`((?:${TOP})/[\\w./-]+\\.ts): (\\w+)\``, "g");
const EXHIBIT = /museum run((?: [RS]\d+[a-z]?)+)/g;
const METHOD = /\b([A-Z][a-z]\w*)\.([a-z]\w*)\b/g;
const LINK = /\]\(([^)#:\s]*)(?:#([\w-]+))?\)/g;

const ids = new Set(EXHIBITS.map(({ id }) => id));

/** Declared there: called, assigned or given a body somewhere in the file. */
const declares = (path: string, name: string): boolean =>
  existsSync(join(root, path)) && new RegExp(`\\b${name}\\b(?:\\(| =|: )`).test(read(path));

const sources = globSync("{src,examples}/**/*.ts", { cwd: root }).map(read);

/** A heading's anchor, as forges make it. */
const anchorsOf = (markdown: string): string[] =>
  [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    (heading as string)
      .toLowerCase()
      .replace(/[^\w\s-]/g, "")
      .replaceAll(" ", "-"),
  );

/** What `text`, the file `path`, names and is not there. */
function missing(path: string, text: string): string[] {
  const found: string[] = [];
  for (const [, file] of text.matchAll(FILE)) {
    if (!existsSync(join(root, file as string))) found.push(`${path}: no file ${file}`);
  }
  for (const [, file, name] of text.matchAll(FUNCTION)) {
    if (!declares(file as string, name as string)) found.push(`${path}: no ${name} in ${file}`);
  }
  for (const [, list] of text.matchAll(EXHIBIT)) {
    for (const id of (list as string).trim().split(" ")) {
      if (!ids.has(id)) found.push(`${path}: no exhibit ${id}`);
    }
  }
  return found;
}

function deadLinks(path: string, text: string): string[] {
  return [...text.matchAll(LINK)].flatMap(([, to, anchor]) => {
    const target = to === "" ? path : normalize(join(dirname(path), to as string));
    if (!existsSync(join(root, target))) return [`${path}: no ${target}`];
    const known = anchor === undefined || anchorsOf(read(target)).includes(anchor);
    return known ? [] : [`${path}: no heading #${anchor} in ${target}`];
  });
}

const documents = ["README.md", "CONTRIBUTING.md", ...globSync("docs/*.md", { cwd: root })];

test.each(documents)("the files, functions and exhibits that %s names exist", (path) => {
  expect(missing(path, read(path))).toEqual([]);
});

test.each(documents)("the links of %s lead to files and headings", (path) => {
  expect(deadLinks(path, read(path))).toEqual([]);
});

test.each(["docs/slub-life.svg", "docs/slab-life.svg", "docs/sheaves.svg"])(
  "the methods on the arrows of %s are those of a class",
  (path) => {
    const methods = [...read(path).matchAll(METHOD)];
    expect(methods.length).toBeGreaterThan(5);
    const unknown = methods.filter(
      ([, type, method]) =>
        !sources.some(
          (text) => text.includes(`class ${type} `) && new RegExp(` ${method}\\(`).test(text),
        ),
    );
    expect(unknown.map(([name]) => name)).toEqual([]);
  },
);

test("a file, a function, an exhibit, a link or a heading that is not there is found", () => {
  const wrong = "`src/slub/none.ts`, `src/slub/counters.ts: none`, slablab museum run R01 R99";
  expect(missing("a.md", wrong)).toEqual([
    "a.md: no file src/slub/none.ts",
    "a.md: no none in src/slub/counters.ts",
    "a.md: no exhibit R99",
  ]);
  expect(deadLinks("docs/a.md", "[a](none.md) [b](slub.md#none)")).toEqual([
    "docs/a.md: no docs/none.md",
    "docs/a.md: no heading #none in docs/slub.md",
  ]);
});

test.each([
  ["examples/explore-toy.ts", "docs/slub.md"],
  ["examples/explore-structures.ts", "docs/your-own-code.md"],
  ["scripts/locked-steps.ts", "docs/sheaves.md"],
])("the output of %s is the one that %s shows", (example, document) => {
  const file = join(root, example);
  const printed = execFileSync(process.execPath, [file], { encoding: "utf8", timeout: 120_000 });
  expect(read(document)).toContain(`$ node ${example}\n${printed}`);
});
