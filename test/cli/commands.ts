/** Runs one command as a user runs it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Answer {
  readonly out: string;
  readonly err: string;
  readonly code: number | null;
}

/** `make` is the name that `src/cli/<file>.ts` exports. */
export async function runCommand(
  file: string,
  make: string,
  args: string[],
  input = "",
): Promise<Answer> {
  const url = new URL(`../../src/cli/${file}.ts`, import.meta.url).href;
  const program = `
    import { ${make} } from ${JSON.stringify(url)};
    await ${make}().parseAsync(process.argv.slice(1), { from: "user" });
  `;
  const node = ["--input-type=module", "--eval", program, "--", ...args];
  const child = spawn(process.execPath, node, { cwd: root, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(input);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { out, err, code };
}
