import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { offences } from "../scripts/storeys.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Files that may break a ban, each with its reason. */
const explained: Record<string, string> = {
  "src/kernel/afterwards.ts":
    "a sink of the program may throw; it is called when the operation is over, on real threads only",
  "src/kernel/geometry.ts":
    "answers a bad request as a row; it computes from parameters and never runs in an operation",
  "src/kernel/constructors.ts":
    "a program's constructor is called in mid-operation; what it throws waits for the end of the call",
  "src/kernel/shrinkers.ts":
    "a program's shrinker may throw in mid-operation; the operation goes on, on real threads only",
  "src/machine/option-check.ts":
    "a revoked proxy throws whatever it is asked; arguments are looked at before an operation begins",
  "src/kernel/kernel.ts":
    "a section lets its CPU go also when the program in it throws; it runs on real threads only",
  "src/machine/platform.ts":
    "asks the platform whether a thread may block, which answers by an error, and in no operation",
  "src/machine/running-task.ts":
    "a task lets its CPU go also when what it does for others throws; it runs on real threads only",
  "stress/scaling/subjects/heap.ts":
    "its subject is the engine's own memory, which there is no other way to ask for",
  "stress/scaling/subjects/tlsf.ts":
    "its subject is another allocator's module, which only WebAssembly can run",
};

const tree = new Map(
  globSync("{src,stress,workers,examples}/**/*.ts", { cwd: root }).map((path) => [
    path,
    readFileSync(`${root}${path}`, "utf8"),
  ]),
);

const found = (path: string, text: string) => offences(new Map([[path, text]]));

test("every storey imports downwards only, and says nothing that it may not say", () => {
  expect(offences(tree, explained)).toEqual([]);
});

test("every explained exception is still needed", () => {
  const excepted = Object.keys(explained).map((path) => found(path, tree.get(path) ?? ""));
  for (const offencesThere of excepted) expect(offencesThere).not.toEqual([]);
});

test("imports from the same storey or a lower one are fine", () => {
  expect(found("src/slub/fast.ts", 'import { a } from "../caches/a.ts";')).toEqual([]);
  expect(found("src/slub/fast.ts", 'import { a } from "./deep/a.ts";')).toEqual([]);
  expect(found("src/cli/main.ts", 'import { a } from "../../stress/a.ts";')).toEqual([]);
  expect(
    found("stress/run.ts", 'const u = new URL("../workers/cpu.ts", import.meta.url);'),
  ).toEqual([]);
  expect(found("workers/cpu.ts", 'import { a } from "../stress/a.ts";')).toEqual([]);
  expect(found("src/kernel/a.ts", 'import { x } from "valibot";')).toEqual([]);
  expect(found("src/slub/kernels.ts", 'import { a } from "./sheaves/a.ts";')).toEqual([]);
  expect(found("src/slub/cpu-slab/a.ts", 'import { a } from "../counters.ts";')).toEqual([]);
  expect(found("src/slub/cpu-slab/a.ts", 'import { a } from "./b.ts";')).toEqual([]);
  expect(found("src/kernel/a.ts", 'import { a } from "../slub/cpu-slab/a.ts";')).toEqual([]);
});

test.each([
  ["upwards", "src/caches/a.ts", 'import { a } from "../slub/a.ts";'],
  ["between the two allocators", "src/slub/a.ts", 'import { a } from "../slab/a.ts";'],
  ["between the two allocators, the other way", "src/slab/a.ts", 'export * from "../slub/a.ts";'],
  ["of a type only", "src/pages/a.ts", 'import type { A } from "../kernel/a.ts";'],
  ["over several lines", "src/pages/a.ts", 'import {\n  a,\n  b,\n} from "../kernel/a.ts";'],
  ["by export", "src/pages/a.ts", 'export { a } from "../kernel/a.ts";'],
  ["for its effect", "src/pages/a.ts", 'import "../kernel/a.ts";'],
  ["at run time", "src/pages/a.ts", 'await import("../kernel/a.ts");'],
  ["by a worker's address", "src/explore/a.ts", "new URL(`../../workers/a.ts`, here);"],
  ["of a front by the slab layer", "src/slub/a.ts", 'import { a } from "./cpu-slab/a.ts";'],
  ["of a front by debugging", "src/slub/debug/a.ts", 'import type { A } from "../sheaves/a.ts";'],
  ["of a front by the other", "src/slub/sheaves/a.ts", 'import { a } from "../cpu-slab/a.ts";'],
  ["of the other front", "src/slub/cpu-slab/a.ts", 'import { a } from "../sheaves/a.ts";'],
  ["of both fronts by one", "src/slub/sheaves/a.ts", 'import { a } from "../opt-in/a.ts";'],
  ["of a test", "src/cli/a.ts", 'import { a } from "../../test/a.ts";'],
  ["of an allocator by an example", "examples/a.ts", 'import { a } from "../src/slub/a.ts";'],
  ["of an example by the product", "src/cli/a.ts", 'import { a } from "../../examples/a.ts";'],
  ["of commands by a worker", "workers/a.ts", 'import { a } from "../src/cli/a.ts";'],
])("an import %s is an offence", (_what, path, text) => {
  expect(found(path, text)).toEqual([expect.stringContaining("imports ")]);
});

test.each([
  ["src/explore/a.ts", "const words = new Int32Array(4);"],
  ["src/slub/a.ts", "Atomics.load(words, 0);"],
  ["stress/a.ts", "const all = Float64Array.from(list);"],
  ["workers/a.ts", "new BigInt64Array<ArrayBuffer>(8);"],
  ["src/kernel/a.ts", "new WebAssembly.Memory({ initial: 1 });"],
  ["src/machine/a.ts", "try { a(); } catch { b(); }"],
  ["src/slub/a.ts", "try { a(); }\nfinally { b(); }"],
  ["src/slab/a.ts", "{ using held = lock(); }"],
  ["src/pages/a.ts", "const at = Date.now();"],
  ["src/caches/a.ts", "if (Math.random() < 0.5) a();"],
  ["src/slub/a.ts", 'if (kernel === "4.1") a();'],
  ["src/slab/a.ts", "const old = '6.1' != kernel;"],
  ["src/cli/a.ts", 'if (kernel === "6.1") a();'],
  ["stress/a.ts", "switch (kernel) {\n  case `6.19`:\n}"],
  ["src/sysfs/a.ts", "const newer = since(kernel, release);"],
  ["src/pages/a.ts", 'import { a } from "./grow-newer.ts";'],
  ["src/check/a.ts", "// the newer form"],
  ["src/caches/a.ts", "if (this.isNewer) a();"],
])("in %s the words of `%s` are an offence", (path, text) => {
  expect(found(path, text)).toHaveLength(1);
});

test("words in comments, in strings, in types and where they are allowed are no offence", () => {
  expect(found("src/slub/a.ts", "// Atomics.load, catch {\n/* finally { */")).toEqual([]);
  expect(found("src/slub/a.ts", 'const s = "try {} catch {} \\" Atomics.load";')).toEqual([]);
  expect(found("src/kernel/a.ts", "declare function view(): Uint8Array;")).toEqual([]);
  expect(found("src/machine/a.ts", "Atomics.load(new Int32Array(4), 0);")).toEqual([]);
  expect(found("src/explore/a.ts", "try { a(); } catch (thrown) { b(); }")).toEqual([]);
});

test("versions of the kernel are chosen in tables and by since(), and named where they are listed", () => {
  expect(found("src/slub/a.ts", 'if (since(kernel, "5.4")) a();')).toEqual([]);
  expect(found("src/caches/a.ts", 'const flags = { "4.1": 1, "6.1": 2 };')).toEqual([]);
  expect(found("src/slab/kernels.ts", 'if (kernel === "4.1") a();')).toEqual([]);
  expect(found("src/slub/a.ts", '// kernel === "4.1"')).toEqual([]);
});

test("a file outside the storeys is an offence", () => {
  expect(found("src/a.ts", "")).toEqual(["src/a.ts:1: lies in no storey"]);
  expect(found("src/misc/a.ts", "")).toEqual(["src/misc/a.ts:1: lies in no storey"]);
});

test("an offence tells its place", () => {
  expect(found("src/slub/a.ts", "/* two\nlines */\nAtomics.load(words, 0);")).toEqual([
    "src/slub/a.ts:3: Atomics. (only src/machine touches typed arrays and Atomics)",
  ]);
});

test("an explained file may say the words, but still imports downwards", () => {
  const files = new Map([
    ["src/slub/a.ts", 'import { a } from "../cli/a.ts";\ntry { a(); } catch { b(); }'],
  ]);
  expect(offences(files, { "src/slub/a.ts": "shown here" })).toEqual([
    expect.stringContaining("imports ../cli/a.ts"),
  ]);
});
