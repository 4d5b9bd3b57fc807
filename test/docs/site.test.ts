/** The files that the site's playground loads into a page. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { packed } from "../../site/.vitepress/lab-files.ts";

const { modules, texts } = packed();

test("the playground's modules need neither Node nor anything that is not served, and nothing that comes later", () => {
  expect(modules.length).toBeGreaterThan(300);
  const loaded = new Set<string>();
  for (const [name, text] of modules) {
    for (const [, target = ""] of text.matchAll(
      /^(?:import|\} from|export .* from) .*?"([^"]+)";/gm,
    )) {
      expect([name, target]).toEqual([name, expect.stringMatching(/^lab:.*\.js$/)]);
      expect(loaded).toContain(target.replace("lab:", ""));
    }
    loaded.add(name);
  }
  expect(modules.at(-1)?.[0]).toBe("site/lab/worker.js");
  expect(Object.keys(texts)).toContain("examples/structures/mutex.ts");
});

test("a module's lines are those of the source, without its types", () => {
  const lineOf = (text: string): number =>
    text.slice(0, text.indexOf("printToken(")).split("\n").length;
  const source = readFileSync(new URL("../../src/explore/token.ts", import.meta.url), "utf8");
  const text = new Map(modules).get("src/explore/token.js") as string;
  expect(source).toContain("): string");
  expect(text).not.toContain("): string");
  expect(lineOf(text)).toBe(lineOf(source));
});
