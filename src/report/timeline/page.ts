// SPDX-License-Identifier: GPL-2.0-only
/** A schedule as a page that stands alone: no server, no library. */
import type { Replayed } from "../../explore/replay.ts";
import { html } from "../html.ts";
import { type Telling, timelineHtml } from "./html.ts";
import { stepThrough } from "./step-through.ts";
import { STYLE } from "./style.ts";

export function timelinePage(telling: Telling, replayed: Replayed): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(telling.title)} – slablab</title>
<style>
:root { color-scheme: light dark; }
body { margin: 0; padding: .8rem 1rem; background: light-dark(#ffffff, #16181c); }
${STYLE}</style>
</head>
<body>
${timelineHtml(telling, replayed)}
<script>(${stepThrough})(document.querySelector(".schedule"));</script>
</body>
</html>
`;
}
