// SPDX-License-Identifier: GPL-2.0-only
/** A report as one page that needs nothing else. Light or dark, as its reader has it. */
import { html } from "./html.ts";

const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1f2328; --faint: #59636e; --rule: #d1d9e0;
  --warn: #fff3cd; --good: #1a7f37; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --faint: #9198a1;
  --rule: #3d444d; --warn: #3a2d00; --good: #3fb950; --bad: #ff7b72; } }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1rem 4rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; } h2 { margin: 2.5rem 0 .5rem; font-size: 1.25rem; }
figure { margin: 2rem 0; overflow-x: auto; } figcaption { font-weight: 600; margin-bottom: .5rem; }
figcaption span { display: block; font-weight: 400; color: var(--faint); font-size: .9rem; }
svg { max-width: 100%; height: auto; }
p, dl { max-width: 46rem; } .warn { background: var(--warn); padding: .75rem 1rem; border-radius: 6px; }
.scroll { overflow-x: auto; } .scroll table { border-collapse: collapse; font-size: .875rem;
  font-variant-numeric: tabular-nums; }
.scroll :is(th, td) { padding: .25rem .75rem; text-align: right; border-bottom: 1px solid var(--rule);
  white-space: nowrap; } .scroll th { color: var(--faint); font-weight: 500; }
.scroll :is(th, td):first-child { text-align: left; padding-left: 0; }
.met { color: var(--good); } .missed { color: var(--bad); } .unsure { color: var(--faint); }
.verdict { font-weight: 600; } h1 + p { margin-top: 0; } .long { display: block; min-width: 16rem; white-space: normal; text-align: left; }
summary { cursor: pointer; margin: .5rem 0; } pre { overflow-x: auto; padding: .75rem 1rem;
  border: 1px solid var(--rule); border-radius: 6px; } dt { color: var(--faint); } dd { margin: 0 0 .4rem; }
@media print { body { max-width: none; padding: 0; } figure, tr { break-inside: avoid; }
  .scroll, pre { overflow: visible; white-space: pre-wrap; } }
`;

/** Where a report comes from. */
export interface ReportSource {
  /** The command line that made it. */
  readonly command: string;
  readonly environment: Readonly<Record<string, unknown>>;
}

/** `more`: styles that the body needs besides. */
export function page(title: string, body: readonly string[], more = ""): string {
  return (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width, initial-scale=1">' +
    `<title>${html(title)}</title><style>${STYLE}${more}</style></head>\n<body>\n` +
    `${body.filter((part) => part !== "").join("\n")}\n</body></html>\n`
  );
}

/** Cells are in HTML. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join("")}</tr>`;
  const body = rows.map((row) => line(row, "td")).join("");
  return `<div class="scroll"><table><thead>${line(heads, "th")}</thead><tbody>${body}</tbody></table></div>`;
}

export function environmentList(environment: Readonly<Record<string, unknown>>): string {
  const facts = Object.entries(environment).map(
    ([name, value]) => `<dt>${html(name)}</dt><dd>${html(`${value}`)}</dd>`,
  );
  return `<dl>${facts.join("")}</dl>`;
}

/** How it was made, at the end of a report. */
export function origin({ command, environment }: ReportSource): string {
  return `<h2>How it was made</h2><pre>${html(command)}</pre>${environmentList(environment)}`;
}

export type Verdict = "met" | "missed" | "unsure";

export function verdict(kind: Verdict, text: string): string {
  return `<span class="${kind}">${html(text)}</span>`;
}
