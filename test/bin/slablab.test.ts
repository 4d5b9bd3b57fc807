import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Makes a Node pass for an older one; the process that takes over starts without it. */
const asNode20 =
  'Object.defineProperty(process, "version", { value: "v20.20.2" });' +
  'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } });';

const tells =
  'console.log("ran", process.version, ...process.argv.slice(2)); process.exitCode = 7;';
const waits =
  'process.on("SIGINT", () => { console.log("partial report"); process.exit(130); });' +
  'setInterval(() => {}, 1000); console.log("ready");';

const made: string[] = [];

afterEach(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true });
});

/** A package folder holding bin/ and the given files, with the pinned Node installed or not. */
async function packageWith(files: Record<string, string>, pinnedNode: boolean): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "slablab-"));
  made.push(folder);
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await cp(join(root, "bin"), join(folder, "bin"), { recursive: true });
  if (pinnedNode) {
    await mkdir(join(folder, "node_modules"));
    await symlink(join(root, "node_modules/node"), join(folder, "node_modules/node"));
  }
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

function start(folder: string, nodeOptions: string[], ...args: string[]): ChildProcess {
  return spawn(process.execPath, [...nodeOptions, join(folder, "bin/slablab.js"), ...args]);
}

async function outcome(child: ChildProcess) {
  const [[code], out, err] = await Promise.all([
    once(child, "exit"),
    text(child.stdout!),
    text(child.stderr!),
  ]);
  return { code, out, err };
}

const old = ["--import", `data:text/javascript,${encodeURIComponent(asNode20)}`];

test("a new enough Node runs the commands itself, from source where there is source", async () => {
  const folder = await packageWith(
    { "src/cli/main.ts": `const typed: string = "";${tells}`, "dist/src/cli/main.js": "throw 1" },
    false,
  );
  expect(await outcome(start(folder, [], "stress", "--json"))).toEqual({
    code: 7,
    out: `ran ${process.version} stress --json\n`,
    err: "",
  });
});

test("a published package runs its bundle, and its single modules beside a module of the user's", async () => {
  const says = (name: string): string => `console.log("${name}");`;
  const built = {
    "dist/workers/bundle/main.mjs": says("bundle"),
    "dist/src/cli/main.js": says("single"),
  };
  const folder = await packageWith(built, false);
  expect((await outcome(start(folder, [], "explore", "mine"))).out).toBe("bundle\n");
  expect((await outcome(start(folder, [], "explore", "--mutation=./m.ts"))).out).toBe("single\n");
});

test("an older Node hands arguments, output and exit code over to the pinned one", async () => {
  const folder = await packageWith({ "src/cli/main.ts": tells }, true);
  expect(await outcome(start(folder, old, "museum", "run"))).toEqual({
    code: 7,
    out: `ran v${manifest.devDependencies.node} museum run\n`,
    err: "",
  });
});

/** A package `node` in which the binary is the running Node, whatever version it says it is. */
async function packageWithNode(version: string, files: Record<string, string>): Promise<string> {
  const folder = await packageWith(
    { "node_modules/node/package.json": JSON.stringify({ name: "node", version }), ...files },
    false,
  );
  await mkdir(join(folder, "node_modules/node/bin"));
  await symlink(process.execPath, join(folder, "node_modules/node/bin/node"));
  return folder;
}

test.each(["18.20.8", "22.23.3", "24.11.1"])(
  "a package node %s in the project is not handed over to",
  async (version) => {
    const folder = await packageWithNode(version, { "dist/src/cli/main.js": tells });
    const { code, out, err } = await outcome(start(folder, old, "--version"));
    expect({ code, out }).toEqual({ code: 3, out: "" });
    expect(err).toMatch(
      /^slablab: needs Node 24\.12 or later and this is v20\.20\.2; update Node\n$/,
    );
  },
);

test("a process that was handed over to starts no third one", async () => {
  // The one that takes over passes for an old Node, too.
  const folder = await packageWithNode("26.0.0", { "dist/src/cli/main.js": tells });
  const env = { ...process.env, NODE_OPTIONS: old.join(" ") };
  const child = spawn(process.execPath, [join(folder, "bin/slablab.js")], { env });
  const { code, err } = await outcome(child);
  expect(code).toBe(3);
  expect(err.match(/needs Node/g)).toHaveLength(1);
});

test("an older Node passes an interrupt on and waits for the partial report", async () => {
  const folder = await packageWith({ "src/cli/main.ts": waits }, true);
  const child = start(folder, old);
  const ended = outcome(child);
  child.stdout!.once("data", () => child.kill("SIGINT"));
  expect(await ended).toEqual({ code: 130, out: "ready\npartial report\n", err: "" });
});

test("an older Node reports a command killed by a signal as a shell does", async () => {
  const folder = await packageWith(
    { "src/cli/main.ts": 'process.kill(process.pid, "SIGKILL");' },
    true,
  );
  expect((await outcome(start(folder, old))).code).toBe(137);
});

test("an older Node alone says in one line what is missing, and exits 3", async () => {
  const folder = await packageWith({ "src/cli/main.ts": tells }, false);
  const { code, out, err } = await outcome(start(folder, old));
  expect(code).toBe(3);
  expect(out).toBe("");
  expect(err).toMatch(
    /^slablab: needs Node 24\.12 or later and this is v20\.20\.2; .*npm install.*\n$/,
  );
});
