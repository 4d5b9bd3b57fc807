import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import { checkout } from "./commands.ts";

const program = new URL("../../src/cli/program.ts", import.meta.url).href;

/** Tells which modules a process has loaded when it ends. */
const COUNTS = `
  import { registerHooks } from "node:module";
  const loaded = [];
  registerHooks({
    load(url, context, next) {
      loaded.push(url);
      return next(url, context);
    },
  });
  process.on("exit", () => process.stderr.write(loaded.join("\\n")));
`;

/** The modules of the tree, bin/ aside, that Node loads for these arguments. */
function modulesOf(...words: string[]): string[] {
  const counts = `data:text/javascript,${encodeURIComponent(COUNTS)}`;
  const command = `"$0" --import "$1" "\${@:2}" 2>&1 >/dev/null`;
  const said = execFileSync("bash", ["-c", command, process.execPath, counts, ...words]);
  const root = new URL("../../", import.meta.url).href;
  return `${said}`
    .split("\n")
    .filter((url) => url.startsWith(root) && !url.includes("/node_modules/"))
    .map((url) => url.slice(root.length))
    .filter((path) => !path.startsWith("bin/"))
    .sort();
}

test.each(["--help", "--version"])("%s loads seven modules, none of an allocator", (word) => {
  expect(modulesOf(checkout, word)).toEqual([
    "src/cli/commands.ts",
    "src/cli/common.ts",
    "src/cli/files.ts",
    "src/cli/main.ts",
    "src/cli/program.ts",
    "src/machine/quoted.ts",
    "stress/thread-refused.ts",
  ]);
});

test("help on a command loads no allocator; that of explore does, since it lists the scenarios", () => {
  const names = Object.keys(COMMANDS).filter((name) => name !== "explore");
  const load = `const { run } = await import(${JSON.stringify(program)});
    for (const name of ${JSON.stringify(names)}) await run([name, "--help"]);`;
  const loaded = modulesOf("--input-type=module", "--eval", load);
  expect(loaded.filter((path) => /^src\/(slub|slab|kernel)\//.test(path))).toEqual([]);
  // A hundred modules would take half of the time that Node itself takes.
  expect(loaded.length).toBeLessThan(80);
});

test.each(Object.entries(COMMANDS))("%s is listed with its own usage", async (_, listed) => {
  const command = await listed.load();
  const options = command.options.length > 0 ? ["[options]"] : [];
  const words = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  expect(listed.usage).toBe([...options, ...words].join(" "));
});
