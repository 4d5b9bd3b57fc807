// SPDX-License-Identifier: GPL-2.0-only
/**
 * Pictures: a vega-lite specification drawn to SVG, without a DOM. Colours come from the page where
 * the picture stands in one (`var(--ink)`), and from one that reads on both white and black where it
 * stands alone.
 */
import type { TopLevelSpec } from "vega-lite";

/** Chosen to be told apart by the colour-blind (Okabe and Ito 2008), and on white and black alike. */
export const COLOURS = [
  ...["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"],
  ...["#8B8000", "#7F7F7F", "#9467BD", "#8C564B", "#17A2A2", "#BCBD22"],
];

/** Reads on a light and on a dark page. */
const NEUTRAL = "#7a7f87";

export type Ink = "page" | "neutral";

/** Draws. `ink`: "page" for a page that has --ink and --rule, "neutral" for a picture of its own. */
export async function drawSvg(spec: TopLevelSpec, ink: Ink): Promise<string> {
  const [vega, vegaLite] = await Promise.all([import("vega"), import("vega-lite")]);
  const text = ink === "page" ? "var(--ink)" : NEUTRAL;
  const rule = ink === "page" ? "var(--rule)" : "#7a7f8740";
  const axis = { labelColor: text, titleColor: text, tickColor: rule, gridColor: rule };
  const config = {
    background: "transparent",
    font: "system-ui, sans-serif",
    axis: {
      ...axis,
      domainColor: rule,
      labelFontSize: 11,
      titleFontSize: 12,
      titleFontWeight: 500,
    },
    legend: { labelColor: text, titleColor: text, labelFontSize: 12, labelLimit: 320 },
    title: { color: text, subtitleColor: text, fontSize: 14, anchor: "start", offset: 12 },
    view: { stroke: "transparent" },
    range: { category: COLOURS },
  } as const;
  const compiled = vegaLite.compile({ ...spec, config }).spec;
  const view = new vega.View(vega.parse(compiled), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}
