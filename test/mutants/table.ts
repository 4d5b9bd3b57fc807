/**
 * The table of docs/exploring.md: `node test/mutants/table.ts < slips.jsonl`, from the lines of measure.ts.
 * Of several lines of a slip and a command the last one counts.
 */
import { text } from "node:stream/consumers";
import { KINDS } from "./edit.ts";
import type { Measured } from "./measure.ts";
import { MUTANTS } from "./mutants.ts";

const COMMANDS = ["explore", "fuzz", "stress"] as const;

const lines = (await text(process.stdin)).split("\n").filter((line) => line !== "");
const parsed = lines.map((line) => JSON.parse(line) as Measured);
const measured = [...new Map(parsed.map((one) => [`${one.name} ${one.command}`, one])).values()];

/** `found of measured, median and worst time`. */
function cell(of: readonly Measured[]): string {
  const times = of.filter(({ found }) => found !== null).map(({ cpu }) => cpu);
  times.sort((a, b) => a - b);
  const [median, worst] = [times[times.length >> 1], times.at(-1)];
  const counted = `${times.length} of ${of.length}`;
  if (median === undefined || worst === undefined) return of.length === 0 ? "-" : counted;
  return `${counted}, ${median.toFixed(1)}, ${worst.toFixed(1)}`;
}

function row(what: string, slips: number, of: readonly Measured[]): string {
  const cells = COMMANDS.map((command) => cell(of.filter((one) => one.command === command)));
  return `| ${[what, slips, ...cells].join(" | ")} |`;
}

console.log("| kind of slip | slips | `explore all` | `fuzz` | `stress` |\n|---|---|---|---|---|");
for (const [kind, what] of Object.entries(KINDS)) {
  const slips = MUTANTS.filter((mutant) => mutant.kind === kind).length;
  console.log(
    row(
      what,
      slips,
      measured.filter((one) => one.kind === kind),
    ),
  );
}
console.log(row("all", MUTANTS.length, measured));
const tried = new Set(measured.map(({ name }) => name));
const found = new Set(measured.filter((one) => one.found !== null).map(({ name }) => name));
const open = [...tried].filter((name) => !found.has(name));
console.log(`\n${tried.size} of ${MUTANTS.length} were tried; not found: ${open.join(", ")}`);
