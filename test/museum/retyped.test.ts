/**
 * A mutation that writes a method of the allocator once more, instead of calling it with one thing
 * changed, would go on breaking the code of yesterday. So each such method is named in the bug's
 * file, with a digest of the original.
 */
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import type { Exhibit } from "../../src/museum/exhibit.ts";

// Loaded by Node itself: what vitest loads is transformed, and its text is not that of the source.
const native = createRequire(import.meta.url);
const { EXHIBITS } = native(
  "../../src/museum/bugs/index.ts",
) as typeof import("../../src/museum/bugs/index.ts");
const { classesFor } = native(
  "../../src/kernel/classes.ts",
) as typeof import("../../src/kernel/classes.ts");

type Methods = Record<string, unknown>;
type Table = Record<string, { readonly prototype?: Methods }>;

interface Tables {
  readonly fixed: Table;
  readonly broken: Table;
}

function tablesOf({ scenario, base, mutation }: Exhibit): Tables {
  const { allocator = "slub", kernel = "4.1" } = scenario.machine;
  const classes = classesFor(allocator, kernel);
  const fixed = base?.(classes) ?? classes;
  const broken = mutation?.change(fixed) ?? fixed;
  return { fixed, broken } as unknown as Tables;
}

/** `part.method` of each method that the mutation puts another in the place of, but calls no more. */
function retypedBy({ fixed, broken }: Tables): string[] {
  return Object.keys(fixed).flatMap((part) => {
    const original = fixed[part]?.prototype;
    return [...ownMethods(broken[part]?.prototype, original)]
      .filter(([name]) => name !== "constructor" && name in (original ?? {}))
      .filter(([name, text]) => /\bthis\b/.test(text) && !text.includes(`super.${name}(`))
      .map(([name]) => `${part}.${name}`);
  });
}

/** Those that the classes between `prototype` and `end` have, the outermost of each name. */
function ownMethods(prototype: Methods | undefined, end: Methods | undefined): Map<string, string> {
  if (prototype === end || prototype === undefined) return new Map();
  const inherited = ownMethods(Object.getPrototypeOf(prototype), end);
  for (const name of Object.getOwnPropertyNames(prototype)) {
    inherited.set(name, String(prototype[name]));
  }
  return inherited;
}

const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "").replace(/\s+/g, " ");

const digest = (text: string): string =>
  createHash("sha256").update(withoutComments(text)).digest("hex").slice(0, 8);

const retyped = EXHIBITS.flatMap((exhibit) => {
  const { id, retypes } = exhibit;
  const tables = tablesOf(exhibit);
  return [...new Set([...retypedBy(tables), ...Object.keys(retypes)])].map((name) => {
    const [part = "", method = ""] = name.split(".");
    return { id, name, written: retypes[name], original: tables.fixed[part]?.prototype?.[method] };
  });
});

test.each(retyped)("$id was written from the $name that is there", (one) => {
  const { id, name, written, original } = one;
  expect(original, `${id} retypes ${name}, which is no more`).toBeTypeOf("function");
  const now = digest(String(original));
  const advice =
    written === undefined
      ? `${id} retypes ${name}: let it call super instead; if it cannot`
      : `${name} has changed since ${id} retyped it: change the mutation in the same way`;
  expect(written, `${advice}, write { "${name}": "${now}" } in retypes of the bug`).toBe(now);
});

test("a digest heeds every word of the code, and no comment or line break", () => {
  expect(digest("f(a) {\n  // why\n  return a;\n}")).toBe(digest("f(a) { /* how */ return a; }"));
  expect(digest("f(a) { return a; }")).not.toBe(digest("f(a) { return -a; }"));
});
