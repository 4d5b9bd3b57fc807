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

test("every file that the page on the kernel's names tells is there and has the word", () => {
  const wrong = here.filter(([, word = "", file = ""]) => {
    const isThere = existsSync(file) && word !== "";
    return !(
      isThere && new RegExp(`(?<![\\w$])${word}(?![\\w$])`).test(readFileSync(file, "utf8"))
    );
  });
  expect(here.length).toBeGreaterThan(400);
  expect(wrong).toEqual([]);
});

test("every test that the page names is there", () => {
  expect(
    here.filter(([, , , shown = ""]) => !shown.endsWith(".test.ts") || !existsSync(shown)),
  ).toEqual([]);
});

test("no row of the page has an empty cell, and no name two rows of a table", () => {
  expect(rows.filter((cells) => cells.some((cell) => cell === "" || cell === "``"))).toEqual([]);
  for (const table of page.split("\n## ")) {
    const names = table.split("\n").flatMap((line) => /^\| (`\w+`) *\|/.exec(line)?.[1] ?? []);
    expect(names).toEqual([...new Set(names)]);
  }
});
