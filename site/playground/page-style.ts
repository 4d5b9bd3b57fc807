// SPDX-License-Identifier: GPL-2.0-only
/** How the pages that run look, around the timeline. */
import { STYLE as TIMELINE } from "../../src/report/timeline/style.ts";

export const STYLE = `
${TIMELINE}
.lab-page { --nav-top: 48px; max-width: 1500px; margin: 0 auto; padding: 1rem 1.2rem 4rem; }
.lab-page .schedule { --paper: var(--vp-c-bg); margin-top: 1rem; }
@media (min-width: 960px) { .lab-page { --nav-top: var(--vp-nav-height, 64px); } }
.lab-page h1 { font-size: 1.6rem; font-weight: 650; line-height: 1.3; }
.lab-page .lead { margin: .3rem 0 1rem; color: var(--vp-c-text-2); max-width: 60rem; }
.lab-page form { display: flex; flex-wrap: wrap; gap: .6rem .9rem; align-items: end; }
.lab-page label { display: grid; gap: .15rem; font-size: .8rem; color: var(--vp-c-text-2); }
.lab-page label.find { display: inline-flex; font-size: inherit; }
.lab-page form select, .lab-page form input, .lab-page form button { font: inherit; font-size: .95rem; color: var(--vp-c-text-1); background: var(--vp-c-bg-soft); border: 1px solid var(--vp-c-divider); border-radius: 6px; padding: .3rem .6rem; max-width: 100%; height: 2.25rem; margin: 0; }
.lab-page form select { appearance: auto; }
.lab-page form label { flex: 0 1 auto; min-width: 0; }
.lab-page form label:has(.what) { flex-basis: 21rem; }
.lab-page form label:has(.bug) { flex-basis: 13rem; }
.lab-page form label:has([name="memory"]) { flex-basis: 13rem; }
.lab-page form select { width: 100%; }
.lab-page form input { width: 5rem; }
.lab-page form button { cursor: pointer; }
.lab-page form button.run { background: var(--vp-c-brand-3, #3451b2); border-color: transparent; color: white; font-weight: 600; padding-inline: 1.1rem; }
.lab-page form button:disabled { opacity: .45; cursor: default; }
.lab-page form :focus-visible, .lab-page textarea:focus-visible { outline: 2px solid var(--vp-c-brand-1); outline-offset: 1px; }
.lab-page textarea { display: block; width: 100%; height: 15rem; margin-top: .8rem; padding: .6rem .8rem; font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace; color: var(--vp-c-text-1); background: var(--vp-c-bg-alt); border: 1px solid var(--vp-c-divider); border-radius: 6px; resize: vertical; white-space: pre; overflow: auto; tab-size: 2; }
.lab-page .status { scroll-margin-top: calc(var(--nav-top) + 1rem); margin: .7rem 0; min-height: 1.6rem; font-weight: 600; overflow-wrap: anywhere; }
.lab-page .status.bad { color: light-dark(#c62828, #ff7b72); }
.lab-page .status.good { color: light-dark(#1a7f37, #56d364); }
.lab-page .threads { border-collapse: collapse; display: table; margin: 1rem 0; width: auto; }
.lab-page .threads th, .lab-page .threads td { padding: .25rem .9rem; text-align: left; border-bottom: 1px solid var(--vp-c-divider); font-variant-numeric: tabular-nums; }
@media print { .lab-page form, .lab-page textarea, .lab-page .lead { display: none; } }
`;
