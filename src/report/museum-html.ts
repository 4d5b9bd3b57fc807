// SPDX-License-Identifier: GPL-2.0-only
/** The proofs of exhibits as a page: each bug's story, how it was found, and that its fix holds. */
import { html } from "./html.ts";
import type { Shown } from "./museum.ts";
import { origin, page, type ReportSource, table, verdict } from "./page.ts";
import { count } from "./text.ts";

export interface ProvenPage {
  readonly shown: readonly Shown[];
  /** How many were to be proven. */
  readonly wanted: number;
  readonly seconds: number;
  readonly source: ReportSource;
}

export function museumHtml({ shown, wanted, seconds, source }: ProvenPage): string {
  const proven = shown.filter(({ proof }) => proof.isProven).length;
  const kind = proven < shown.length ? "missed" : shown.length < wanted ? "unsure" : "met";
  const bug = '<span class="long">bug</span>';
  const heads = ["exhibit", bug, "found", "preemptions", "schedules", "s", "fixed, to bound", ""];
  return page("slablab museum", [
    "<h1>slablab museum</h1>",
    "<p>Bugs that Linux's slab allocators had: each is found in the broken source, and none in the fixed one.</p>",
    `<p class="verdict">${verdict(kind, `${proven} of ${wanted} proven in ${seconds.toFixed(1)} s`)}</p>`,
    table(heads, shown.map(row)),
    "<h2>The stories</h2>",
    ...shown.map(story),
    origin(source),
  ]);
}

function row({ exhibit, proof }: Shown): string[] {
  const bound = proof.fixedBound === null ? "–" : String(proof.fixedBound);
  return [
    `<a href="#${exhibit.id}">${exhibit.id}</a>`,
    `<span class="long">${html(exhibit.title)}</span>`,
    html(proof.class ?? "clean"),
    proof.preemptions === null ? "–" : String(proof.preemptions),
    count(proof.schedules),
    proof.seconds.toFixed(2),
    proof.fixedClean ? `clean, ${bound}` : verdict("missed", "not clean"),
    proof.isProven ? verdict("met", "proven") : verdict("missed", "not proven"),
  ];
}

function story({ exhibit, proof }: Shown): string {
  const { id, title, commit, year, story: sentences, scenario } = exhibit;
  const facts = [
    ...(commit === null ? [] : [`commit ${commit}`]),
    ...(year === null ? [] : [String(year)]),
    `scenario ${scenario.name}`,
  ].join(", ");
  const { token, message } = proof;
  const again = token === null ? "" : `<pre>${html(`slablab replay ${id} ${token}`)}</pre>`;
  return (
    `<details id="${id}" open><summary>${html(`${id}: ${title}`)}</summary>` +
    `<p>${html(sentences.join(" "))}</p><p class="unsure">${html(facts)}</p>` +
    `${message === null ? "" : `<p>${html(message)}</p>`}${again}</details>`
  );
}
