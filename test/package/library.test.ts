/** The library as a user gets it: packed, installed into an empty project, used. */
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import commands from "../../cli/package.json" with { type: "json" };
import manifest from "../../package.json" with { type: "json" };
import { buildLibrary } from "../../scripts/build-library.ts";
import { Project, pack, root } from "./installed.ts";
import {
  EXPLORER_SAYS,
  LABORATORY_SAYS,
  OWN_CODE,
  OWN_CODE_SAYS,
  OWN_OUTCOMES,
  OWN_TEST,
  OWN_THREADS,
  OWN_WEAK,
  OWN_WEAK_SAYS,
  README_EXAMPLE,
  README_SAYS,
  REQUIRES,
  THROWS,
  USES_EXPLORER,
  USES_LABORATORY,
  USES_POOL,
} from "./programs.ts";

const project = new Project();
let packed: ReturnType<typeof pack>;

beforeAll(async () => {
  await buildLibrary();
  packed = pack(root, project.folder);
  project.install("--offline", packed.tarball);
  project.write({
    "pool.js": USES_POOL,
    "explorer.js": USES_EXPLORER,
    "laboratory.ts": USES_LABORATORY,
    "requires.cjs": REQUIRES,
  });
});
afterAll(() => project[Symbol.dispose]());

const node = (...args: string[]) => project.run(process.execPath, ...args);

test("the library has no dependency and less than 1 MB, with maps, licences and changelog", () => {
  expect(manifest).not.toHaveProperty("dependencies");
  expect(packed.unpackedSize).toBeLessThan(1_000_000);
  const { files } = packed;
  const others = ["README.md", "CHANGELOG.md", "LICENSE", "LICENSE-MIT", "bin/slablab.js"];
  expect(files).toEqual(expect.arrayContaining(others));
  const modules = files.filter((path) => /^dist\/.*\.js$/.test(path));
  expect(modules.length).toBeGreaterThan(40);
  const entries = ["kernel/kernel", "explore/explore", "laboratory/laboratory", "testing/vitest"];
  const declared = entries.map((entry) => `dist/library/${entry}.d.ts`);
  const mapped = [...modules, ...declared];
  expect(mapped.filter((path) => !files.includes(`${path}.map`))).toEqual([]);
});

test("the commands are of the same version and have the dependencies that the tree is tested with", () => {
  expect(commands.version).toBe(manifest.version);
  const { dependencies, optionalDependencies } = commands;
  expect(manifest.devDependencies).toMatchObject({ ...dependencies, ...optionalDependencies });
});

test("an ES module uses a pool of the installed library", async () => {
  expect(await node("pool.js")).toEqual({ stdout: "42\n", stderr: "" });
});

test("a stack of the installed library names files and lines of the source", async () => {
  project.write({ "throws.js": THROWS });
  const { stdout } = await node("--enable-source-maps", "throws.js");
  const source = readFileSync(join(root, "src/kernel/kernel.ts"), "utf8").split("\n");
  const [, line] = /src\/kernel\/kernel\.ts:(\d+)/.exec(stdout) ?? [];
  expect(source[Number(line) - 1]).toContain("kfree");
});

test("a CommonJS module requires all entries of the installed library", async () => {
  expect(await node("requires.cjs")).toEqual({
    stdout: `function slab ${manifest.version}\n`,
    stderr: "",
  });
});

test("a user's own code is explored by the installed library", async () => {
  expect(await node("explorer.js")).toEqual({ stdout: EXPLORER_SAYS, stderr: "" });
});

test("unmodified code over typed arrays is explored by the installed library", async () => {
  project.write({ "own.ts": OWN_CODE, "weak.ts": OWN_WEAK, "readme.ts": README_EXAMPLE });
  expect(await node("own.ts")).toEqual({ stdout: OWN_CODE_SAYS, stderr: "" });
  expect(await node("weak.ts")).toEqual({ stdout: OWN_WEAK_SAYS, stderr: "" });
  expect(await node("readme.ts")).toEqual({ stdout: README_SAYS, stderr: "" });
});

test("tests over interleavings run in a user's vitest, and a slip fails with token and timeline", async () => {
  const [write = "", publish = ""] =
    /words\[FIRST.*\n.*HEAD, head \+ 1\);/.exec(OWN_TEST)?.[0].split("\n") ?? [];
  const slip = OWN_TEST.replace(`${write}\n${publish}`, `${publish}\n${write}`);
  expect(slip).not.toBe(OWN_TEST);
  project.write({
    "own.test.ts": OWN_TEST,
    "outcomes.test.ts": `import { test } from "slablab/vitest"; test("all", () => {});\n${OWN_OUTCOMES}`,
    "slip.test.ts": slip,
    "threads.test.ts": OWN_THREADS,
  });
  symlinkSync(join(root, "node_modules/vitest"), join(project.folder, "node_modules/vitest"));
  const files = ["own.test.ts", "outcomes.test.ts", "threads.test.ts", "slip.test.ts"];
  const vitest = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--no-color"];
  const failed = await node(...vitest, "--no-isolate", ...files).catch((error) => error);
  expect(failed.stdout).toMatch(/Tests +1 failed \| 5 passed/);
  expect(failed.stderr).toContain("token: v1:what-goes-in-comes-out:");
  expect(failed.stderr).toMatch(/\| CPU 0 +\| CPU 1/);
});

test("a user's scenario and mutation run in the installed laboratory", async () => {
  expect(await node("laboratory.ts")).toEqual({ stdout: LABORATORY_SAYS, stderr: "" });
});

test.each([{ module: "nodenext" }, { module: "esnext", moduleResolution: "bundler" }])(
  "declarations need neither dom nor Node's types ($module)",
  async (module) => {
    const options = { ...module, target: "es2022", lib: ["es2022"], types: [], strict: true };
    const checks = { noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true };
    project.write({
      "console.d.ts": "declare const console: { log(...what: unknown[]): void };",
      "tsconfig.json": JSON.stringify({
        compilerOptions: { ...options, ...checks },
        files: ["console.d.ts", "laboratory.ts", "explorer.ts"],
      }),
      "explorer.ts": USES_EXPLORER,
    });
    const { stdout } = await project.run(join(root, "node_modules/.bin/tsc"), "-p", ".");
    expect(stdout).toBe("");
  },
);

async function bundled(text: string) {
  const { outputFiles } = await build({
    stdin: { contents: text, resolveDir: project.folder },
    bundle: true,
    format: "esm",
    minify: true,
    write: false,
  });
  return outputFiles[0]!.text;
}

test("a bundle that needs one constant has less than 10 kB", async () => {
  const text = await bundled('import { MIB } from "slablab"; console.log(MIB);');
  expect(text.length).toBeLessThan(10_000);
});

test("a bundled program runs, and asks the platform for nothing while it is loaded", async () => {
  project.write({
    "bundle.js": await bundled(USES_POOL),
    // What an AudioWorklet has not.
    "poor.js":
      "for (const name of ['URL', 'atob', 'performance', 'process']) delete globalThis[name];",
  });
  const { stdout } = await node("--import", "./poor.js", "bundle.js");
  expect(stdout).toBe("42\n");
});

test("the name of the commands, without them installed, tells in one line how to get them", async () => {
  const failed = await project.run(process.execPath, "node_modules/.bin/slablab").catch((e) => e);
  expect(failed).toMatchObject({
    code: 3,
    stdout: "",
    stderr: "slablab: the commands are a package of their own; run `npx slablab-cli`\n",
  });
});
