/**
 * A vitest reporter that closes a run with one plain line, `<n> passed, <m> failed`, so that whoever
 * reads a log without colours, a program included, sees that tests ran and how they ended.
 */
import type { Reporter, TestModule } from "vitest/node";

/** Counts tests, and as failed also each file or hook outside the tests that broke. */
export function closingLine(modules: readonly TestModule[], unhandledErrors: number): string {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const count = (state: string) => tests.filter((test) => test.result().state === state).length;
  const broken = modules
    .flatMap((module) => [module, ...module.children.allSuites()])
    .filter((part) => part.errors().length > 0).length;
  const skipped = count("skipped") > 0 ? `, ${count("skipped")} skipped` : "";
  return `${count("passed")} passed, ${count("failed") + broken + unhandledErrors} failed${skipped}`;
}

export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    console.log(closingLine(modules, unhandledErrors.length));
  }
}
