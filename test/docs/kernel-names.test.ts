import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync("docs/kernel-names.md", "utf8");
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
/** Kernel's name, our word, file, test. */
const here = rows
  .filter((cells) => cells.length === 4)
  .map((cells) => cells.map((cell) => cell.replaceAll("`", "")));

const read = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");

/** A title: the first argument of a call of `test` or `describe`, or of what `each` returns. */
const TITLE = /(?:\b(?:test|describe)|\))\(\s*("(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`),/g;

const titles = new Map<string, string[]>();

function titlesIn(file: string): string[] {
  const known = titles.get(file);
  if (known !== undefined) return known;
  const found = [...read(file).matchAll(TITLE)].map(([, quoted = ""]) => quoted.slice(1, -1));
  titles.set(file, found);
  return found;
}

/** Whether a test of that file, or a group of tests, has these words in its title. */
function hasTitle(shown: string): boolean {
  const [, file = "", words = ""] = /^(test\/\S+\.test\.ts): (.+)$/.exec(shown) ?? [];
  return words !== "" && titlesIn(file).some((title) => title.includes(words));
}

test("every file that the page on the kernel's names tells is there and has the word", () => {
  const wrong = here.filter(
    ([, word = "", file = ""]) =>
      word === "" || !new RegExp(`(?<![\\w$])${word}(?![\\w$])`).test(read(file)),
  );
  expect(here.length).toBeGreaterThan(440);
  expect(wrong).toEqual([]);
});

test("every test that the page names is there, under a title with the words that the page gives", () => {
  expect(here.filter(([, , , shown = ""]) => !hasTitle(shown))).toEqual([]);
});

test("no title is found that a file does not have, or only says elsewhere", () => {
  const file = "test/docs/kernel-names.test.ts";
  expect(hasTitle(`${file}: no title is found that a file does not have`)).toBe(true);
  expect(hasTitle(`${file}: no title is found that any file has`)).toBe(false);
  expect(hasTitle(`${file}: on the kernel's names are there`)).toBe(false);
  expect(hasTitle(`${file}: only ${"said"} here`)).toBe(false);
  expect(hasTitle(file)).toBe(false);
  expect(hasTitle(`test/docs/absent.test.ts: no title is found`)).toBe(false);
});

test("no row of the page has an empty cell, and no name two rows of a table", () => {
  expect(rows.filter((cells) => cells.some((cell) => cell === "" || cell === "``"))).toEqual([]);
  for (const table of page.split("\n## ")) {
    const names = table.split("\n").flatMap((line) => /^\| (`\w+`) *\|/.exec(line)?.[1] ?? []);
    expect(names).toEqual([...new Set(names)]);
  }
});
