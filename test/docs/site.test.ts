/** The files that the site's playground loads into a page. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { labFiles } from "../../site/.vitepress/lab-files.ts";

const files = labFiles();
const modules = [...files].filter(
  (entry): entry is [string, string] => typeof entry[1] === "string" && entry[0].endsWith(".js"),
);

test("the playground's modules need neither Node nor anything that is not served", () => {
  expect(modules.length).toBeGreaterThan(300);
  for (const [name, text] of modules) {
    for (const [, target = ""] of text.matchAll(
      /^(?:import|\} from|export .* from) .*?"([^"]+)";/gm,
    )) {
      expect([name, target]).toEqual([name, expect.stringMatching(/^\..*\.js$/)]);
      expect(files.has(join(dirname(name), target))).toBe(true);
    }
  }
});

test("a module's lines are those of the source, without its types", () => {
  const lineOf = (text: string): number =>
    text.slice(0, text.indexOf("printToken(")).split("\n").length;
  const source = readFileSync(new URL("../../src/explore/token.ts", import.meta.url), "utf8");
  const text = files.get("src/explore/token.js") as string;
  expect(source).toContain("): string");
  expect(text).not.toContain("): string");
  expect(lineOf(text)).toBe(lineOf(source));
});
