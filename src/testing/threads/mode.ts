// SPDX-License-Identifier: MIT
/** Where a test's tasks run, and the programs that a thread can find in the file of a test. */
import type { SearchOptions } from "../../explore/explore.ts";
import { split } from "../../explore/javascript/explore.ts";
import type { JavaScriptProgram } from "../../explore/javascript/program.ts";
import { quoted } from "../../machine/quoted.ts";

export interface Mode {
  /**
   * `explorer` (default): all schedules up to a bound. `threads`: real threads run the tasks
   * `schedules` times (default 100,000), for at most `seconds`; this shows failures and proves nothing.
   */
  readonly mode?: "explorer" | "threads";
  /** For threads: `import.meta.url`. Each thread loads this file and finds the program by its name. */
  readonly module?: string;
}

interface Named {
  readonly name?: string;
}

/** By name, of all tests that have been defined; of a name that two tests have, neither can be found. */
const defined = new Map<string, object | undefined>();

/** The program with the title of its test as its name: a token has it. */
export function define<P extends Named>(title: string, program: P): P & { name: string } {
  const named = { name: title.trim().replaceAll(/[^\w./-]+/g, "-"), ...program };
  defined.set(named.name, defined.has(named.name) ? undefined : named);
  return named;
}

/** What the explorer knows of a test's program: the program itself, and limits. */
export function partsOf(given: object): ReturnType<typeof split> {
  const { mode: _mode, module: _module, ...rest } = given as Mode;
  return split(rest as JavaScriptProgram & SearchOptions);
}

/** The program of a test that has been defined, or one that the module exports. */
export function programOf(name: string, module: Readonly<Record<string, unknown>>): object {
  const exported = Object.values(module).find((value) => (value as Named | null)?.name === name);
  const found = defined.get(name) ?? exported;
  if (typeof found === "object" && found !== null) return found;
  const why = defined.has(name) ? "two tests have that name" : "a thread loads the file only";
  throw new Error(
    `there is no program "${quoted(name)}" to run on threads (${why}): define one test of that name ` +
      "outside of other tests, or export a program with that name",
  );
}

/** @throws RangeError for an unknown mode, or for threads without the file that they load. */
export function isOnThreads({ mode = "explorer", module }: Mode): boolean {
  if (mode === "explorer") return false;
  if (mode !== "threads") {
    throw new RangeError(`mode is explorer or threads, not "${quoted(String(mode))}"`);
  }
  if (typeof module === "string" && module.startsWith("file:")) return true;
  throw new RangeError('mode "threads" needs module: import.meta.url, the file that threads load');
}
