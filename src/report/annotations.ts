// SPDX-License-Identifier: GPL-2.0-only
/** Failures as workflow commands of GitHub Actions, which show them beside the change. */
import type { CheckResult } from "./check-result.ts";

function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/** A line for each result that failed or says nothing. */
export function annotations(command: string, results: readonly CheckResult[]): string {
  return results.map((result) => annotation(command, result)).join("");
}

function annotation(command: string, { name, file, failure, unproven }: CheckResult): string {
  if (failure === undefined && unproven === undefined) return "";
  const where = file === undefined ? "" : `file=${property(file)},`;
  const found = failure === undefined ? "" : `: ${failure.class}`;
  const title = `title=${property(`slablab ${command} ${name}${found}`)}`;
  const text = failure === undefined ? unproven : `${failure.message}\n${failure.again}`;
  return `::${failure === undefined ? "warning" : "error"} ${where}${title}::${data(text ?? "")}\n`;
}
