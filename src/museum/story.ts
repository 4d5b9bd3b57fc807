// SPDX-License-Identifier: GPL-2.0-only
/** What a subject is about, for people: the story of its exhibit, of its mutation, of its scenario. */
import { parseScenario } from "../laboratory/parse.ts";
import { exhibit } from "./bugs/index.ts";
import { scenarios } from "./scenarios.ts";
import type { Subject } from "./subject.ts";

export interface Story {
  readonly title: string;
  readonly story: readonly string[];
}

export function storyOf({ scenario, text, mutation }: Subject): Story {
  const shown = text === undefined ? exhibit(scenario) : undefined;
  const broken = mutation === undefined ? undefined : exhibit(mutation);
  const bug = broken ?? shown;
  if (bug !== undefined) {
    const { id, title, year, commit } = bug;
    const source = [commit, year].filter((word) => word !== null).join(", ");
    const where = source === "" ? "" : ` (${source})`;
    return { title: `${id}: ${title}${where}`, story: [...bug.story, about(scenario, text)] };
  }
  return { title: scenario, story: [about(scenario, text)] };
}

function about(scenario: string, text: string | undefined): string {
  if (text !== undefined) return parseScenario(scenario, text).story;
  return (exhibit(scenario)?.scenario ?? scenarios.get(scenario))?.story ?? "";
}
