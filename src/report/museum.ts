// SPDX-License-Identifier: GPL-2.0-only
/** The museum's catalogue, and the results of its proofs. */

import type { LiveProof } from "../../stress/live.ts";
import type { Exhibit } from "../museum/exhibit.ts";
import type { Proof } from "../museum/prove.ts";
import { columns, styled } from "./text.ts";

export function catalogue(exhibits: readonly Exhibit[]): string {
  return exhibits.map(entry).join("\n");
}

function entry(exhibit: Exhibit): string {
  const { id, title, year, story, needs, era, preemptions } = exhibit;
  const fails =
    exhibit.class === null ? "stays clean" : `${exhibit.class} with ${preemptions} preemptions`;
  const facts = [`needs ${needs}`, `era ${era}`, fails, `scenario ${exhibit.scenario.name}`];
  const sentences = story.map((sentence) => `      ${sentence}\n`).join("");
  const head = `${styled("bold", id.padEnd(5))} ${title}`;
  return `${head}\n      ${styled("dim", `${origin(exhibit)}${year === null ? "" : `, ${year}`}`)}\n${sentences}      ${styled("dim", facts.join("; "))}\n`;
}

function origin({ commit, verification, isIdUnconfirmed }: Exhibit): string {
  if (verification === null) return "made up";
  const id = commit === null ? "commit unknown" : `commit ${commit}`;
  return `${id} (${verification}${isIdUnconfirmed ? ", id unconfirmed" : ""})`;
}

export interface Shown {
  readonly exhibit: Exhibit;
  readonly proof: Proof;
}

/**
 * One line an exhibit, then the exhibits that differ from the catalogue; `wanted`: how many there
 * are.
 */
export function proofReport(shown: readonly Shown[], seconds: number, wanted: number): string {
  const rows = shown.map(({ exhibit, proof }) => [
    exhibit.id,
    proof.class ?? "clean",
    proof.preemptions === null ? "–" : String(proof.preemptions),
    String(proof.schedules),
    proof.seconds.toFixed(2),
    proof.fixedClean ? "clean" : "NOT CLEAN",
    proof.fixedBound === null ? "–" : String(proof.fixedBound),
    proof.isProven ? "proven" : styled(["bold", "red"], "NOT PROVEN"),
  ]);
  const heads = [
    "exhibit",
    "found",
    "preemptions",
    "schedules",
    "seconds",
    "fixed",
    "to bound",
    "",
  ];
  const failed = shown.filter(({ proof }) => !proof.isProven);
  const verdict =
    failed.length === 0
      ? styled("green", `${shown.length === wanted ? "all " : ""}${shown.length} proven`)
      : `${failed.length} of ${shown.length} NOT proven: ${failed.map(({ exhibit }) => exhibit.id).join(", ")}`;
  const note = shown.length === wanted ? "" : interruptedNote(shown.length, wanted);
  return `${columns(heads, rows)}${verdict} in ${seconds.toFixed(1)} s\n${note}`;
}

/** Of a run that was ended before it had come to all exhibits. */
export function interruptedNote(shown: number, wanted: number): string {
  return `${styled("yellow", `interrupted: these are ${shown} of ${wanted} exhibits`)}\n`;
}

interface ShownLive {
  readonly exhibit: Exhibit;
  readonly live: LiveProof;
}

/** The result of each exhibit on real threads, in `seconds` at most each. */
export function liveReport(shown: readonly ShownLive[], seconds: number): string {
  const rows = shown.map(({ exhibit, live }) => [
    exhibit.id,
    exhibit.class ?? "clean",
    live.class ?? "nothing",
    live.seconds.toFixed(2),
    live.operations.toLocaleString("en-US"),
  ]);
  const heads = ["exhibit", "expected", "found on threads", "seconds", "operations"];
  const missed = shown.filter(({ exhibit, live }) => live.class === null && exhibit.class !== null);
  const ids = missed.map(({ exhibit }) => exhibit.id).join(", ");
  const verdict =
    missed.length === 0 ? "" : `not met by chance in ${seconds} s, only by searching: ${ids}\n`;
  return `${columns(heads, rows)}${verdict}`;
}
