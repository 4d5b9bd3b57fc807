// SPDX-License-Identifier: GPL-2.0-only
/** How the component looks, on paper, on a projector and on a telephone. */

/** Colours of the drawing of the machine and of the arrows; `light` and `dark` name the values. */
const PALETTE: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  ink: ["#1b1f24", "#e6e6e6"],
  soft: ["#5b6570", "#9aa5b1"],
  paper: ["#ffffff", "#16181c"],
  panel: ["#f6f7f9", "#1f2228"],
  line: ["#c9ced6", "#444b55"],
  new: ["#1d5fd0", "#6ea8ff"],
  held: ["#b9c4d4", "#4a5568"],
  lost: ["#c62828", "#ff7b72"],
  write: ["#9a4d00", "#f0a95b"],
  good: ["#1a7f37", "#56d364"],
  read: ["#1a7f37", "#56d364"],
  anti: ["#b35c00", "#ffb454"],
  over: ["#b3261e", "#ff7b72"],
  c0: ["#0072b2", "#56b4e9"],
  c1: ["#b54a00", "#e69f00"],
  c2: ["#007a5a", "#2fc79a"],
  c3: ["#a3387a", "#e08cc0"],
  c4: ["#6b5d00", "#e0d14a"],
  c5: ["#5a4fcf", "#a79bff"],
};

function variables(shade: 0 | 1): string {
  return Object.entries(PALETTE)
    .map(([name, shades]) => `--${name}: ${shades[shade]};`)
    .join(" ");
}

/** For a picture that follows the reader's preference. */
export const PICTURE_COLOURS = `:root { ${variables(0)} }
@media (prefers-color-scheme: dark) { :root { ${variables(1)} } }`;

/** For a page, whose color-scheme decides. */
const PAGE_COLOURS = `.schedule { ${Object.entries(PALETTE)
  .map(([name, [light, dark]]) => `--${name}: light-dark(${light}, ${dark});`)
  .join(" ")} }`;

/** Of drawings made by machine.ts and of arrows between accesses. */
export const DRAWING_STYLE = `
.machine { font: 11px ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; }
.machine text { fill: var(--ink); }
.machine .title { font-weight: 700; font-size: 12px; }
.machine .fact, .machine .nothing { fill: var(--soft); }
.machine .fact.new { fill: var(--new); font-weight: 700; }
.machine .number { text-anchor: middle; }
.machine .box { fill: var(--panel); stroke: var(--line); }
.machine .box.new { stroke: var(--new); stroke-width: 2; }
.machine .chip { fill: var(--paper); stroke: var(--line); }
.machine .cell { stroke: var(--soft); fill: var(--paper); }
.machine .cell.held { fill: var(--held); }
.machine .cell.nowhere { stroke: var(--lost); stroke-dasharray: 4 3; stroke-width: 2; }
.machine .arrow .shaft { fill: none; stroke: var(--soft); stroke-width: 1.4; }
.machine .arrow .head { fill: var(--soft); }
.machine .arrow.page .shaft { stroke-dasharray: 2 3; }
.machine .arrow.new .shaft { stroke: var(--new); stroke-width: 2.2; }
.machine .arrow.new .head { fill: var(--new); }
path.read { stroke: var(--read); } path.anti { stroke: var(--anti); } path.over { stroke: var(--over); }
path.read, path.anti, path.over { fill: none; stroke-width: 1.6; }
path.tip.read { fill: var(--read); } path.tip.anti { fill: var(--anti); } path.tip.over { fill: var(--over); }
`;

export const STYLE = `
${PAGE_COLOURS}
${DRAWING_STYLE}
.schedule { color: var(--ink); background: var(--paper); font: 14px/1.45 system-ui, sans-serif; outline: none; container-type: inline-size; }
.schedule *, .schedule *::before { box-sizing: border-box; }
.schedule [hidden] { display: none; }
.schedule h1 { margin: 0 0 .3rem; font-size: 1.25rem; line-height: 1.3; letter-spacing: 0; font-weight: 650; }
.schedule h2 { margin: .8rem 0 .2rem; padding: 0; border: 0; font-size: .95rem; line-height: 1.4; font-weight: 650; letter-spacing: 0; }
.schedule .story { margin: .2rem 0; max-width: 62rem; line-height: 1.45; }
.schedule .verdict { margin: .4rem 0; font-weight: 600; overflow-wrap: anywhere; line-height: 1.4; }
.schedule .failed { color: var(--lost); }
.schedule .fine { color: var(--good); }
.schedule .token { font-size: .85rem; color: var(--soft); overflow-wrap: anywhere; }
.schedule code, .schedule kbd { font: .92em ui-monospace, Menlo, Consolas, monospace; background: none; padding: 0; color: inherit; }
.schedule nav { position: sticky; top: var(--nav-top, 0); z-index: 2; display: flex; flex-wrap: wrap; gap: .35rem; align-items: center; padding: .4rem 0; background: var(--paper); border-bottom: 1px solid var(--line); }
.schedule button { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: .3rem; padding: .12rem .55rem; min-width: 2rem; cursor: pointer; }
.schedule button:hover { border-color: var(--new); }
.schedule button:focus-visible, .schedule input:focus-visible, .schedule summary:focus-visible { outline: 2px solid var(--new); outline-offset: 1px; }
.schedule .find { display: inline-flex; gap: .3rem; align-items: center; color: var(--soft); }
.schedule .find input { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-radius: .3rem; padding: .1rem .4rem; width: 8rem; }
.schedule .find input.none { border-color: var(--lost); color: var(--lost); }
.schedule .count { margin-left: auto; color: var(--soft); font-variant-numeric: tabular-nums; }
.schedule .panes { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 1.2rem; padding-top: .6rem; }
.schedule .steps { position: relative; }
.schedule table { display: table; margin: 0; border-collapse: collapse; width: 100%; font-size: 12.5px; line-height: 1.4; }
.schedule .steps table { table-layout: fixed; }
.schedule th, .schedule td { background: none; border: 0; padding: .15rem .55rem; text-align: left; vertical-align: top; font-weight: inherit; color: inherit; font-size: inherit; }
.schedule tr { background: none; border: 0; }
.schedule thead th { font-size: .95rem; font-weight: 650; border-bottom: 1px solid var(--line); color: var(--ink); }
.schedule .steps thead th { position: sticky; top: calc(var(--nav-top, 0px) + 2.6rem); z-index: 1; background: var(--paper); }
.schedule thead small { display: block; font-weight: 400; color: var(--soft); }
.schedule .steps th:first-child, .schedule .steps td:first-child { width: 4.6rem; text-align: right; color: var(--soft); font-variant-numeric: tabular-nums; overflow-wrap: normal; }
.schedule .steps tbody tr { cursor: pointer; scroll-margin: calc(var(--nav-top, 0px) + 7rem) 0 3rem; }
.schedule .steps td { border-left: 1px solid color-mix(in srgb, var(--line) 50%, transparent); overflow-wrap: anywhere; }
.schedule .steps td:first-child { border-left: 0; }
.schedule .said { border-left: 3px solid var(--here) !important; background: color-mix(in srgb, var(--here) 6%, transparent); }
.schedule .c0 { --here: var(--c0); } .schedule .c1 { --here: var(--c1); } .schedule .c2 { --here: var(--c2); }
.schedule .c3 { --here: var(--c3); } .schedule .c4 { --here: var(--c4); } .schedule .c5 { --here: var(--c5); }
.schedule thead .c0, .schedule thead .c1, .schedule thead .c2, .schedule thead .c3, .schedule thead .c4, .schedule thead .c5 { border-top: 3px solid var(--here); }
.schedule tbody tr:hover .said { background: color-mix(in srgb, var(--here) 16%, transparent); }
.schedule tr.now .said { background: color-mix(in srgb, var(--here) 28%, transparent); }
.schedule tr.now td:first-child { color: var(--ink); font-weight: 700; }
.schedule tr.now td:first-child::before { content: "▸ "; color: var(--new); }
.schedule .text { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 12px; }
.schedule .text.write { color: var(--write); }
.schedule .call .text { display: block; padding-left: 1rem; opacity: .85; }
.schedule .call .text:nth-of-type(n+5) { display: none; }
.schedule .call[aria-expanded="true"] .text { display: none; }
.schedule .function { font-weight: 600; }
.schedule .call .function::before { content: "▸ "; color: var(--soft); }
.schedule .call[aria-expanded="true"] .function::before { content: "▾ "; }
.schedule .steps small, .schedule .where li { color: var(--soft); font-size: 11.5px; }
.schedule .member .said { padding-left: 1.5rem; }
.schedule .place { display: block; }
.schedule .steps code { display: block; font-size: 11px; color: var(--soft); white-space: pre-wrap; }
.schedule .key .said { font-weight: 650; }
.schedule .key small, .schedule .key code { font-weight: 400; }
.schedule .aside .said { opacity: .6; }
.schedule .goes-on .said, .schedule .waits .said, .schedule .drains .said { font-style: italic; }
.schedule .ends .said { font-weight: 600; }
.schedule .fails .said { color: var(--lost); font-weight: 700; }
.schedule .order { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; overflow: visible; }
.schedule .order g { opacity: .45; }
.schedule .order g.now { opacity: 1; }
.schedule .order g.now path { stroke-width: 3; }
.schedule aside { position: sticky; top: calc(var(--nav-top, 0px) + 3.2rem); align-self: start; max-height: calc(100vh - var(--nav-top, 0px) - 4rem); overflow: auto; }
.schedule .machines svg { display: block; width: 100%; height: auto; }
.schedule .words table { width: auto; }
.schedule .words th { font: 12px ui-monospace, Menlo, Consolas, monospace; color: var(--soft); }
.schedule .words td { font: 12px ui-monospace, Menlo, Consolas, monospace; }
.schedule .words .new td { color: var(--new); font-weight: 700; }
.schedule .where ol { margin: 0; padding-left: 1.4rem; list-style: decimal; }
.schedule .where li { margin: 0; }
.schedule .where code { display: block; color: var(--ink); white-space: pre-wrap; overflow-wrap: anywhere; }
.schedule .legend { margin: 1rem 0; font-size: 13px; }
.schedule .legend ul { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; list-style: none; margin: .4rem 0; padding: 0; }
.schedule .legend li { margin: 0; }
.schedule .legend svg { vertical-align: middle; }
.schedule .legend .new { color: var(--new); }
.schedule kbd { border: 1px solid var(--line); border-radius: .25rem; padding: 0 .3rem; background: var(--panel); }
@container (max-width: 900px) {
  .schedule .panes { grid-template-columns: minmax(0, 1fr); }
  .schedule aside { position: static; max-height: none; overflow: visible; }
}
@container (max-width: 600px) {
  .schedule .panes { grid-template-areas: "machine" "steps"; gap: .6rem; }
  .schedule aside { grid-area: machine; position: sticky; z-index: 1; top: calc(var(--nav-top, 0px) + 4.9rem); max-height: 34vh; overflow: auto; background: var(--paper); border-bottom: 1px solid var(--line); }
  .schedule .machines svg { max-height: 30vh; }
  .schedule .where { display: none; }
  .schedule .steps tbody tr { scroll-margin-top: calc(var(--nav-top, 0px) + 42vh); }
  .schedule .steps thead th { position: static; }
  .schedule button { min-width: 0; }
  .schedule .steps { grid-area: steps; }
  .schedule .steps th:first-child, .schedule .steps td:first-child { width: 2.9rem; padding: .15rem .3rem; white-space: normal; font-size: 10.5px; }
  .schedule th, .schedule td { padding: .15rem .35rem; }
  .schedule table, .schedule .text { font-size: 11px; }
  .schedule .steps code { display: none; }
  .schedule .member .said { padding-left: .7rem; }
}
@media print {
  .schedule nav { display: none; }
  .schedule tr { break-inside: avoid; }
  .schedule aside { position: static; max-height: none; overflow: visible; }
  .schedule .panes { display: block; }
  .schedule .machines { max-width: 60%; }
  .schedule { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
