/** What users write, over nothing but the package. */
import { readFileSync } from "node:fs";

/** A pool that is used, and found empty again. */
export const USES_POOL = `
import { attach, boot, MIB } from "slablab";
const kernel = boot({ cpus: 2, memory: 16 * MIB });
const object = kernel.kzalloc(64);
kernel.view32(object)[0] = 42;
const other = attach(kernel.shared);
console.log(other.view32(object)[0]);
other.kfree(object);
`;

function examplesOf(page: string): string[] {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), "utf8");
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, example]) => example as string);
}

const examples = examplesOf("docs/exports.md");

/** What an example prints, as its comments say. */
const printed = (example: string): string =>
  [...example.matchAll(/^console\.log.*; \/\/ (.*)$/gm)].map(([, line]) => `${line}\n`).join("");

/** A user's own code over the seam, with a bug; a scenario and a mutation. */
export const [USES_EXPLORER = "", USES_LABORATORY = ""] = examples;
export const EXPLORER_SAYS = printed(USES_EXPLORER);
export const LABORATORY_SAYS = printed(USES_LABORATORY);
export const MUTATION = USES_LABORATORY.slice(0, USES_LABORATORY.indexOf("const scenario"));

/** Tests of a user's own code, that code without a test runner, and tables of outcomes. */
export const [OWN_TEST = "", OWN_CODE = "", OWN_WEAK = "", OWN_OUTCOMES = "", OWN_THREADS = ""] =
  examplesOf("docs/your-own-code.md");
export const OWN_CODE_SAYS = printed(OWN_CODE);
export const OWN_WEAK_SAYS = printed(OWN_WEAK);
export const [README_EXAMPLE = ""] = examplesOf("README.md");
export const README_SAYS = printed(README_EXAMPLE);

export const THROWS = `
import { boot, MIB } from "slablab";
const kernel = boot({ cpus: 1, memory: 16 * MIB });
try {
  kernel.kfree(0.5 + MIB);
} catch (error) {
  console.log(error.stack);
}
`;

export const REQUIRES = `
const { boot, MIB } = require("slablab");
const { explore } = require("slablab/explore");
const { classesFor } = require("slablab/laboratory");
const { version } = require("slablab/package.json");
const kernel = boot({ cpus: 1, memory: 16 * MIB });
kernel.kfree(kernel.kmalloc(64));
console.log(typeof explore, classesFor("slab", "6.1").allocator, version);
`;
