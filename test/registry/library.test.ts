/** The installed library under other runtimes, compilers and bundlers. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { rollup } from "rollup";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import webpack from "webpack";
import manifest from "../../package.json" with { type: "json" };
import { buildLibrary } from "../../scripts/build-library.ts";
import { Project, pack, root } from "../package/installed.ts";
import {
  EXPLORER_SAYS,
  REQUIRES,
  USES_EXPLORER,
  USES_LABORATORY,
  USES_POOL,
} from "../package/programs.ts";

const project = new Project();
let tarball = "";

beforeAll(async () => {
  await buildLibrary();
  tarball = pack(root, project.folder).tarball;
  project.install(tarball);
  project.write({
    "pool.js": USES_POOL,
    "explorer.js": USES_EXPLORER,
    "explorer.ts": USES_EXPLORER,
    "laboratory.ts": USES_LABORATORY,
    "requires.cjs": REQUIRES,
    "constant.js": 'import { MIB } from "slablab"; console.log(MIB);',
  });
});
afterAll(() => project[Symbol.dispose]());

const file = (name: string): string => join(project.folder, name);

/** The oldest Node of each line that the library runs on, and what its users have. */
test.each(["20.19.0", "22.12.0", "24.0.0"])(
  "Node %s imports and requires the library",
  async (v) => {
    using other = new Project();
    other.install(`node@${v}`);
    const node = join(other.folder, "node_modules/node/bin/node");
    expect((await project.run(node, "pool.js")).stdout).toBe("42\n");
    expect((await project.run(node, "explorer.js")).stdout).toBe(EXPLORER_SAYS);
    expect((await project.run(node, "requires.cjs")).stdout).toContain("function slab");
  },
);

test("Deno imports the library", async () => {
  using other = new Project();
  other.install("deno@2.9.6");
  const deno = join(other.folder, "node_modules/.bin/deno");
  expect((await project.run(deno, "run", "--allow-read", "pool.js")).stdout).toBe("42\n");
  const { stdout } = await project.run(deno, "run", "--allow-read", "--allow-env", "explorer.js");
  expect(stdout).toBe(EXPLORER_SAYS);
});

test("Bun imports the library", async () => {
  using other = new Project();
  other.install("bun@1.4.5");
  const bun = join(other.folder, "node_modules/.bin/bun");
  expect((await project.run(bun, "pool.js")).stdout).toBe("42\n");
  expect((await project.run(bun, "explorer.js")).stdout).toBe(EXPLORER_SAYS);
});

/** The oldest TypeScript that understands the declarations: 5.6 has no generic Uint8Array. */
test("TypeScript 5.7 compiles against the declarations, by nodenext and by bundler", async () => {
  using other = new Project();
  other.install("typescript@5.7.3");
  const tsc = join(other.folder, "node_modules/.bin/tsc");
  for (const module of [
    { module: "nodenext" },
    { module: "esnext", moduleResolution: "bundler" },
  ]) {
    const options = { ...module, target: "es2022", lib: ["es2022"], types: [] };
    project.write({
      "console.d.ts": "declare const console: { log(...what: unknown[]): void };",
      "tsconfig.json": JSON.stringify({
        compilerOptions: { ...options, noEmit: true, strict: true, skipLibCheck: false },
        files: ["console.d.ts", "laboratory.ts", "explorer.ts"],
      }),
    });
    expect((await project.run(tsc, "-p", ".")).stdout).toBe("");
  }
});

test("the types are what each way of importing resolves to", async () => {
  const checked = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
  const { problems } = checked as { problems: { kind: string; resolutionKind?: string }[] };
  // node10 knows no exports, and a CommonJS file of TypeScript before 5.8 requires no ES module.
  const modern = problems.filter(
    ({ kind, resolutionKind }) => resolutionKind !== "node10" && kind !== "CJSResolvesToESM",
  );
  expect(modern).toEqual([]);
});

const bundlers: Record<string, (input: string, folder: string) => Promise<unknown>> = {
  rollup: async (input, dir) => {
    const bundle = await rollup({ input, plugins: [fromFolder], treeshake });
    await bundle.write({ dir, format: "es" });
  },
  vite: (entry, outDir) =>
    build({
      root: project.folder,
      logLevel: "error",
      configFile: false,
      build: { outDir, lib: { entry, formats: ["es"], fileName: "out" } },
    }),
  webpack: (entry, path) =>
    new Promise((resolve, reject) => {
      const experiments = { outputModule: true };
      const output = { path, module: true, filename: "out.js" };
      const mode = "production" as const;
      const context = project.folder;
      webpack({ context, mode, entry, output, experiments, target: "es2022" }, (error, stats) => {
        if (error) reject(error);
        else if (stats?.hasErrors()) reject(new Error(stats.toString("errors-only")));
        else resolve(stats);
      });
    }),
};

/** Rollup alone does not read this in a manifest. */
const treeshake = { moduleSideEffects: manifest.sideEffects };

/** Rollup alone resolves no packages. */
const fromFolder = {
  name: "installed",
  resolveId: (id: string) =>
    id === "slablab" ? join(project.folder, "node_modules/slablab", entryOf(".")) : null,
};

const entryOf = (name: keyof typeof manifest.exports): string =>
  (manifest.exports[name] as { default: string }).default;

test.each(Object.keys(bundlers))(
  "a program bundled by %s runs, and drops what it does not use",
  async (name) => {
    const bundle = bundlers[name]!;
    const folder = file(`out-${name}`);
    await bundle(file("pool.js"), folder);
    const [out] = readdirSync(folder).filter((entry) => entry.endsWith("js"));
    const { stdout } = await project.run(process.execPath, join(folder, out!));
    expect(stdout).toBe("42\n");
    const small = file(`small-${name}`);
    await bundle(file("constant.js"), small);
    const [only] = readdirSync(small).filter((entry) => entry.endsWith("js"));
    const { size } = statSync(join(small, only!));
    expect(size).toBeLessThan(10_000);
  },
);
