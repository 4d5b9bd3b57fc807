// SPDX-License-Identifier: GPL-2.0-only
/**
 * A schedule as a page of its own, without a server or a library: one steps through the events, and
 * sees each slab's freelists, the lists and what the CPUs have change. Data in, text out.
 */
import type { Replayed } from "../explore/replay.ts";
import { placeText } from "../explore/stack.ts";
import { html } from "./html.ts";
import { CODE, STYLE } from "./timeline-page.ts";

/** Nothing in the data may end the script it stands in. */
const embedded = (data: unknown): string => JSON.stringify(data).replaceAll("<", "\\u003c");

/** Each event's `state` is a snapshot of the laboratory. */
export function timelinePage(
  scenario: string,
  token: string,
  { failure, timeline }: Replayed,
): string {
  const events = timeline.map(
    ({ step, contextName, cpu, operation, what, text, access, state, matters }) => ({
      step,
      contextName,
      cpu,
      operation,
      what,
      text,
      where: access?.stack.slice(0, 4).map(placeText) ?? [],
      state,
      matters: matters ?? -1,
    }),
  );
  const verdict =
    failure === undefined ? "the schedule passes" : `${failure.class}: ${failure.message}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(scenario)} – slablab</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${html(scenario)}</h1>
<p id="verdict" class="${failure === undefined ? "fine" : "failed"}">${html(verdict)}</p>
<p class="token"><code>${html(token)}</code></p>
<nav>
<button id="first" title="Home">|◀</button>
<button id="back" title="Left arrow">◀</button>
<input id="at" type="range" min="0" max="${events.length - 1}" value="0" aria-label="step">
<button id="next" title="Right arrow">▶</button>
<button id="last" title="End">▶|</button>
<button id="turn" title="n: the next change of context">next turn</button>
<button id="matter" title="m: the next access whose order matters">next that matters</button>
<span id="count"></span>
</nav>
</header>
<main>
<section id="timeline" aria-label="timeline"></section>
<section id="machine" aria-label="machine"></section>
</main>
<script id="data" type="application/json">${embedded(events)}</script>
<script>${CODE}</script>
</body>
</html>
`;
}
