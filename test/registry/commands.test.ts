/** The commands as a user gets them, beside the library and without it. */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { buildCommands } from "../../scripts/build.ts";
import { buildLibrary } from "../../scripts/build-library.ts";
import { Project, pack, root } from "../package/installed.ts";
import { MUTATION } from "../package/programs.ts";

const project = new Project();

beforeAll(async () => {
  await buildLibrary();
  await buildCommands();
  project.install(pack(join(root, "dist/cli"), project.folder).tarball);
});
afterAll(() => project[Symbol.dispose]());

const commands = (...args: string[]) =>
  project.run(process.execPath, "node_modules/.bin/slablab-cli", ...args);

test("the installed commands tell their version", async () => {
  expect(await commands("--version")).toEqual({ stdout: `${manifest.version}\n`, stderr: "" });
});

test("the installed commands stress an allocator on threads", async () => {
  const { stdout } = await commands("stress", "--operations", "20000", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ failure: null });
});

test("a stack of an installed thread names a file of the package", async () => {
  const built = join(project.folder, "node_modules/slablab-cli/dist/workers");
  const worker = new Worker(join(built, "bundle/cpu.mjs"));
  const error = await new Promise<Error>((resolve) => worker.once("error", resolve));
  expect(error.stack).toMatch(/\n {4}at file:\S+\/slablab-cli\/dist\/workers\/cpu\.js:\d+:\d+\n/);
});

test("the installed commands draw and explore", async () => {
  const html = join(project.folder, "scale.html");
  const few = ["--allocators", "slub", "--workloads", "pairs", "--sizes", "64", "--cpus", "1"];
  await commands("scale", ...few, "--seconds", "1", "--html", html);
  const { stdout } = await commands("explore", "two-cpus", "--preemptions", "1", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ failure: null });
});

test("beside the library, the name of the commands starts them, and a user's mutation is found", async () => {
  project.install(pack(root, project.folder).tarball);
  project.write({ "mine.ts": MUTATION });
  const run = project.run(
    process.execPath,
    ...["node_modules/.bin/slablab", "explore", "all", "--mutation", "mine.ts", "--json"],
  );
  const failed = await run.catch((error) => error);
  expect(failed.code).toBe(1);
  expect(JSON.parse(failed.stdout).failure.class).toBe("lost-object");
});
