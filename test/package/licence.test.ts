/** What the first line of each source file says of its licence, and that the licences fit. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./installed.ts";

/** `undefined`: the file does not say. */
function licenceOf(path: string): string | undefined {
  const text = readFileSync(join(root, path), "utf8").replace(/^#!.*\n/, "");
  return /^(?:\/\/|;;) SPDX-License-Identifier: (MIT|GPL-2\.0-only)\n/.exec(text)?.[1];
}

function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), "utf8");
  return [...text.matchAll(/(?:from|import) "(\.[^"]+)"/g)].map(([, to]) =>
    join(dirname(path), to as string),
  );
}

const sources = globSync("{src,stress,workers,bin}/**/*.{ts,js,wat}", { cwd: root });
const free = sources.filter((path) => licenceOf(path) === "MIT");

test("the first line of every source file names its licence", () => {
  expect(sources.length).toBeGreaterThan(50);
  expect(sources.filter((path) => licenceOf(path) === undefined)).toEqual([]);
});

test("the explorer is under MIT, with every file that it imports", () => {
  const explorer = sources.filter((path) => path.startsWith("src/explore/"));
  expect(free).toEqual(expect.arrayContaining(explorer));
  const bound = free.flatMap((path) =>
    importsOf(path)
      .filter((to) => licenceOf(to) !== "MIT")
      .map((to) => `${path}: ${to}`),
  );
  expect(bound).toEqual([]);
});
