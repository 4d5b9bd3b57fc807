// SPDX-License-Identifier: GPL-2.0-only
/** What the keys do, and what the colours of a timeline mean. */

const KEYS = [
  ["→ ←", "one row on, one row back"],
  ["Home End", "first and last row"],
  ["space", "play and pause"],
  ["n", "next change of context"],
  ["m", "next access whose order matters"],
  ["f F", "unfold or fold this call, all calls"],
  ["/", "find; Enter: the next place"],
] as const;

const COLOURS = [
  ["read", "reads what another context has written"],
  ["anti", "overwrites what another context has read"],
  ["over", "overwrites what another context has written"],
] as const;

const CELLS = [
  ["held", "allocated"],
  ["free", "on a list"],
  ["nowhere", "neither: in a context's hands, or lost"],
] as const;

const keys = KEYS.map(
  ([names, what]) =>
    `<li>${names
      .split(" ")
      .map((name) => `<kbd>${name}</kbd>`)
      .join(" ")} ${what}</li>`,
).join("");

const colours = COLOURS.map(
  ([kind, what]) =>
    `<li><svg width="34" height="10" aria-hidden="true"><path class="${kind}" d="M1 5H33"/></svg> ${what}</li>`,
).join("");

const cells = CELLS.map(
  ([kind, what]) =>
    `<li><svg class="machine" width="22" height="16" aria-hidden="true"><rect class="cell ${kind}" x="1" y="1" width="20" height="14" rx="3"/></svg> ${what}</li>`,
).join("");

export const LEGEND = `<details class="legend"><summary>keys and colours</summary>
<ul class="keys">${keys}</ul>
<ul>${colours}<li>Bold rows are the ends of these arrows.</li></ul>
<ul>${cells}<li><b class="new">blue frames and arrows</b>: changed by this step</li><li><span class="text write">coloured text</span>: writes</li></ul>
</details>`;
