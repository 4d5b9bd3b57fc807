// SPDX-License-Identifier: GPL-2.0-only
/** Results of checks as JUnit XML, which most services for continuous integration show. */
import type { CheckResult } from "./check-result.ts";

/** Characters that no XML document may have, escaped or not: control characters but tab and newlines. */
const IMPOSSIBLE = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

function xml(text: string): string {
  return text
    .replaceAll(IMPOSSIBLE, "\u{fffd}")

    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\n", "&#10;");
}

/** `command`: the suite. */
export function junitXml(command: string, results: readonly CheckResult[]): string {
  const failures = results.filter(({ failure }) => failure !== undefined).length;
  const skipped = results.filter(({ unproven }) => unproven !== undefined).length;
  const time = seconds(results.reduce((sum, result) => sum + result.seconds, 0));
  const counts = `tests="${results.length}" failures="${failures}" errors="0" skipped="${skipped}"`;
  const name = `slablab ${command}`;
  const cases = results.map((result) => testCase(name, result)).join("");
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<testsuites>\n  <testsuite name="${name}" ${counts} time="${time}">\n` +
    `${cases}  </testsuite>\n</testsuites>\n`
  );
}

function testCase(suite: string, { name, seconds: took, file, ...rest }: CheckResult): string {
  const where = file === undefined ? "" : ` file="${xml(file)}"`;
  const head = `<testcase classname="${suite}" name="${xml(name)}"${where} time="${seconds(took)}"`;
  const inside = outcome(rest);
  return inside === "" ? `    ${head}/>\n` : `    ${head}>\n${inside}    </testcase>\n`;
}

function outcome({ failure, unproven }: Pick<CheckResult, "failure" | "unproven">): string {
  if (failure !== undefined) {
    const { class: found, message, again } = failure;
    const attributes = `type="${xml(found)}" message="${xml(message)}"`;
    return `      <failure ${attributes}>${xml(again)}</failure>\n`;
  }
  return unproven === undefined ? "" : `      <skipped message="${xml(unproven)}"/>\n`;
}

function seconds(n: number): string {
  return n.toFixed(3);
}
