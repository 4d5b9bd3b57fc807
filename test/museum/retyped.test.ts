/**
 * A mutation that rewrites a method of the allocator, instead of calling it with one thing changed,
 * does not follow when the method changes. So the bug's file names each rewritten method, with a
 * digest of the original.
 */
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import type { Exhibit } from "../../src/museum/exhibit.ts";

// Loaded by Node itself: vitest transforms the modules it loads, and with them the text of methods.
const native = createRequire(import.meta.url);
const { EXHIBITS } = native(
  "../../src/museum/bugs/index.ts",
) as typeof import("../../src/museum/bugs/index.ts");
const { classesFor } = native(
  "../../src/kernel/classes.ts",
) as typeof import("../../src/kernel/classes.ts");
const { withGroups } = native(
  "../../src/kernel/group-classes.ts",
) as typeof import("../../src/kernel/group-classes.ts");
const { withKasan } = native(
  "../../src/kernel/kasan-classes.ts",
) as typeof import("../../src/kernel/kasan-classes.ts");

type Methods = Record<string, unknown>;
type Table = Record<string, { readonly prototype?: Methods }>;

interface Tables {
  readonly fixed: Table;
  readonly broken: Table;
}

function tablesOf({ scenario, base, mutation }: Exhibit): Tables {
  const { allocator = "slub", kernel = "4.1" } = scenario.machine;
  const plain = classesFor(allocator, kernel);
  // Groups and the quarantine are in a table only where they are asked for.
  const tables = [plain, withGroups(kernel)(plain), withKasan()(plain)];
  const classes = tables.find((table) => mutation?.change(table) !== table) ?? plain;
  const fixed = base?.(classes) ?? classes;
  const broken = mutation?.change(fixed) ?? fixed;
  return { fixed, broken } as unknown as Tables;
}

/** `Part.method` for each override that does some work and does not call the original. */
function retypedBy({ fixed, broken }: Tables): string[] {
  return Object.keys(fixed).flatMap((part) => {
    const original = fixed[part]?.prototype;
    return [...ownMethods(broken[part]?.prototype, original)]
      .filter(([name]) => name !== "constructor" && name in (original ?? {}))
      .filter(([name, text]) => /\bthis\b/.test(text) && !text.includes(`super.${name}(`))
      .map(([name]) => `${part}.${name}`);
  });
}

/** The texts of the methods that the classes from `prototype` up to `end` add. */
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

test.each(retyped)("the mutation $id was written from the present $name", (one) => {
  const { id, name, written, original } = one;
  expect(original, `${id} retypes ${name}, which no longer exists`).toBeTypeOf("function");
  const now = digest(String(original));
  const advice =
    written === undefined
      ? `${id} retypes ${name}: let it call super instead; if it cannot`
      : `${name} has changed since ${id} retyped it: change the mutation in the same way`;
  expect(written, `${advice}, write { "${name}": "${now}" } in retypes of the bug`).toBe(now);
});

test("a digest depends on every word of the code, and on no comment or line break", () => {
  expect(digest("f(a) {\n  // why\n  return a;\n}")).toBe(digest("f(a) { /* how */ return a; }"));
  expect(digest("f(a) { return a; }")).not.toBe(digest("f(a) { return -a; }"));
});
