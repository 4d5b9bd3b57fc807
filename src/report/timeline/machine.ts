// SPDX-License-Identifier: GPL-2.0-only
/**
 * A snapshot as a picture: on the left what the CPUs and nodes have, on the right the slabs, each
 * object a cell. Arrows lead from a list to its first entry and from object to object; what has
 * changed since the state before is marked.
 */
import type { ListState, PlaceState } from "../../caches/drawing.ts";
import type { SlabSnapshot, Snapshot } from "../../laboratory/snapshot.ts";
import { html } from "../html.ts";

/** A drawing with the size that it takes. */
export interface Drawing {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
}

const PLACE_WIDTH = 232;
const SLAB_LEFT = 318;
const CELL = 38;
const CELL_HEIGHT = 24;
const CELLS_A_ROW = 8;
const GAP = 16;
const LINE = 18;
const TITLE = 22;
/** Above a row of cells, for the arrows from object to object. */
const ARCS = 20;
const CHIP_ENDS = PLACE_WIDTH - 26;
const LETTER = 6.7;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Draws `state`; `before`: the state in which it was drawn last. */
export function drawMachine(state: Snapshot, before: Snapshot | undefined): Drawing {
  const slabs = new SlabColumn(state, before);
  const places: string[] = [];
  const arrows: string[] = [];
  let y = 0;
  for (const [at, place] of state.places.entries()) {
    const was = before?.places[at];
    const box = drawPlace(place, was, y);
    places.push(box.svg);
    for (const [row, list] of place.lists.entries()) {
      const from = { x: CHIP_ENDS + 16, y: box.listAt(row) };
      arrows.push(...slabs.arrowsOf(list, was?.lists[row], from, before !== undefined));
    }
    const page = slabNamed(place.facts);
    const target = page === undefined ? undefined : slabs.boxOf(page);
    if (target !== undefined) {
      const isNew = before !== undefined && slabNamed(was?.facts ?? []) !== page;
      arrows.push(arrow({ x: PLACE_WIDTH, y: y + TITLE - 8 }, target, className("page", isNew)));
    }
    y += box.height + GAP;
  }
  const height = Math.max(y - GAP, slabs.height);
  return { svg: [...places, slabs.svg, ...arrows].join(""), width: slabs.width, height };
}

const className = (name: string, isNew: boolean): string => `${name}${isNew ? " new" : ""}`;

/** The slab that a fact names: `page slab 151`. */
function slabNamed(facts: readonly string[]): number | undefined {
  const [, number] = /\bslab (\d+)/.exec(facts.join("; ")) ?? [];
  return number === undefined ? undefined : Number(number);
}

function drawPlace(
  place: PlaceState,
  was: PlaceState | undefined,
  top: number,
): { svg: string; height: number; listAt: (row: number) => number } {
  const { name, facts, lists } = place;
  const height = TITLE + LINE * (facts.length + lists.length) + 8;
  const listAt = (row: number): number => top + TITLE + LINE * (facts.length + row) + LINE / 2;
  const isNew = was !== undefined && JSON.stringify(was) !== JSON.stringify(place);
  const parts = [
    `<rect class="${className("box", isNew)}" x="1" y="${top + 1}" width="${PLACE_WIDTH}" height="${height - 2}" rx="5"/>`,
    text(10, top + 17, "title", name),
    ...facts.map((fact, row) => {
      const changed = was !== undefined && was.facts[row] !== fact;
      return text(10, top + TITLE + LINE * row + 13, className("fact", changed), fact);
    }),
    ...lists.map((list, row) => drawChips(list, listAt(row))),
  ];
  return { svg: parts.join(""), height, listAt };
}

/** The list's name and its first entries. */
function drawChips({ name, entries }: ListState, middle: number): string {
  const parts = [text(10, middle + 4, "fact", name)];
  let x = 10 + Math.max(8, name.length) * LETTER + 8;
  for (const [at, entry] of entries.entries()) {
    const shown = entry.replace("slab ", "");
    const width = shown.length * LETTER + 10;
    if (x + width > CHIP_ENDS) {
      parts.push(text(x, middle + 4, "fact", `+${entries.length - at}`));
      break;
    }
    parts.push(
      `<rect class="chip" x="${round(x)}" y="${middle - 8}" width="${round(width)}" height="16" rx="4"/>`,
      text(round(x + 5), middle + 4, "entry", shown),
    );
    x += width + 5;
  }
  if (entries.length === 0) parts.push(text(x, middle + 4, "nothing", "empty"));
  return parts.join("");
}

/** The slabs one below the other, and where each object lies. */
class SlabColumn {
  svg = "";
  width = SLAB_LEFT + CELL * 4 + 20;
  height = 0;
  private readonly tops = new Map<number, number>();

  constructor({ slabs, places }: Snapshot, before: Snapshot | undefined) {
    const listed = new Set([
      ...places.flatMap(({ lists }) => lists.flatMap(({ entries }) => entries)),
      ...slabs.flatMap(({ freelist }) => freelist),
    ]);
    for (const slab of slabs) {
      const was = before?.slabs.find(({ number }) => number === slab.number);
      this.tops.set(slab.number, this.height);
      const isNew = before !== undefined && JSON.stringify(was) !== JSON.stringify(slab);
      this.drawSlab(slab, isNew, listed);
      const from = { x: SLAB_LEFT + 66, y: this.topOf(slab.number) + 51 };
      const list = { name: "freelist", entries: slab.freelist };
      const old = was && { name: "freelist", entries: was.freelist };
      this.svg += this.arrowsOf(list, old, from, before !== undefined, "own").join("");
    }
  }

  private drawSlab(slab: SlabSnapshot, isNew: boolean, listed: ReadonlySet<string>): void {
    const { number, objects, counters, held, freelist } = slab;
    const top = this.height;
    const rows = Math.ceil(objects / CELLS_A_ROW);
    const height = TITLE + 2 * LINE + rows * (CELL_HEIGHT + ARCS) + 2;
    const width = Math.max(Math.min(objects, CELLS_A_ROW) * CELL, counters.length * LETTER) + 20;
    this.width = Math.max(this.width, SLAB_LEFT + width + 2);
    const cells = held.map((isHeld, index) => {
      const { x, y } = this.cellOf(number, index);
      const state = isHeld ? "held" : listed.has(`${number}/${index}`) ? "free" : "nowhere";
      return (
        `<rect class="cell ${state}" x="${x + 1}" y="${y + 1}" width="${CELL - 2}" height="${CELL_HEIGHT - 2}" rx="3">` +
        `<title>object ${number}/${index}: ${MEANING[state]}</title></rect>` +
        text(x + CELL / 2, y + 17, "number", String(index))
      );
    });
    this.svg +=
      `<rect class="${className("box", isNew)}" x="${SLAB_LEFT}" y="${top + 1}" width="${round(width)}" height="${height - 2}" rx="5"/>` +
      text(SLAB_LEFT + 10, top + 17, "title", `slab ${number}`) +
      text(SLAB_LEFT + 10, top + TITLE + 13, "fact", counters) +
      text(
        SLAB_LEFT + 10,
        top + TITLE + LINE + 13,
        "fact",
        freelist.length === 0 ? "freelist: empty" : "freelist",
      ) +
      cells.join("");
    this.height = top + height + GAP;
  }

  private topOf(slab: number): number {
    return this.tops.get(slab) ?? 0;
  }

  private cellOf(slab: number, index: number): Point {
    const row = Math.floor(index / CELLS_A_ROW);
    return {
      x: SLAB_LEFT + 10 + (index % CELLS_A_ROW) * CELL,
      y: this.topOf(slab) + TITLE + 2 * LINE - 6 + ARCS + row * (CELL_HEIGHT + ARCS),
    };
  }

  /** The left edge of a slab's box. */
  boxOf(slab: number): Point | undefined {
    const top = this.tops.get(slab);
    return top === undefined ? undefined : { x: SLAB_LEFT, y: top + TITLE - 8 };
  }

  /** The middle of the upper edge of an object's cell, or a slab's box. */
  private targetOf(entry: string): Point | undefined {
    const [, slab, index] = /^(\d+)\/(\d+)$/.exec(entry) ?? [];
    if (slab !== undefined && index !== undefined && this.tops.has(Number(slab))) {
      const { x, y } = this.cellOf(Number(slab), Number(index));
      return { x: x + CELL / 2, y };
    }
    const [, number] = /^slab (\d+)$/.exec(entry) ?? [];
    return number === undefined ? undefined : this.boxOf(Number(number));
  }

  /** From `from` to the list's first entry, then from entry to entry. */
  arrowsOf(
    { entries }: ListState,
    was: ListState | undefined,
    from: Point,
    isCompared: boolean,
    kind = "list",
  ): string[] {
    const old = was?.entries ?? [];
    const followed = (entry: string): string | undefined => old[old.indexOf(entry) - 1];
    return entries.flatMap((entry, at) => {
      const start = at === 0 ? from : this.targetOf(entries[at - 1] as string);
      const end = this.targetOf(entry);
      if (start === undefined || end === undefined) return [];
      const isOld = at === 0 ? old[0] === entry : followed(entry) === entries[at - 1];
      const name = className(kind, isCompared && !isOld);
      if (at === 0) return [arrow(start, end, name)];
      return [end.x > SLAB_LEFT ? arc(start, end, name) : detour(start, end, name)];
    });
  }
}

const MEANING = {
  held: "allocated",
  free: "on a list",
  nowhere: "neither allocated nor on a list: in a context's hands, or lost",
} as const;

function text(x: number, y: number, kind: string, content: string): string {
  return `<text class="${kind}" x="${round(x)}" y="${round(y)}">${html(content)}</text>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** A curve that leaves to the right, and arrives from the left, or from above at a cell. */
function arrow(from: Point, to: Point, kind: string): string {
  const isCell = to.x > SLAB_LEFT;
  const bend = Math.max(24, Math.abs(to.x - from.x) / 2);
  const before = isCell ? { x: to.x - 6, y: to.y - 22 } : { x: to.x - bend, y: to.y };
  const path = `M${round(from.x)} ${round(from.y)}C${round(from.x + bend)} ${round(from.y)} ${round(before.x)} ${round(before.y)} ${round(to.x)} ${round(to.y)}`;
  return curve(path, to, before, kind);
}

/** From object to object, above them. */
function arc(from: Point, to: Point, kind: string): string {
  const start = { x: from.x + 5, y: from.y };
  const end = { x: to.x - 5, y: to.y };
  const rise = from.y === to.y ? 15 + Math.abs(to.x - from.x) / 30 : 24;
  const before = { x: end.x, y: end.y - rise };
  const path = `M${round(start.x)} ${round(start.y)}C${round(start.x)} ${round(start.y - rise)} ${round(before.x)} ${round(before.y)} ${round(end.x)} ${round(end.y)}`;
  return curve(path, end, before, kind);
}

/** From slab to slab, left of them. */
function detour(from: Point, to: Point, kind: string): string {
  const before = { x: to.x - 34, y: to.y };
  const path = `M${from.x} ${from.y + 8}C${from.x - 34} ${from.y + 8} ${before.x} ${before.y} ${to.x} ${to.y}`;
  return curve(path, to, before, kind);
}

/** With a head that points from `before` to the end. */
function curve(path: string, end: Point, before: Point, kind: string): string {
  const angle = Math.atan2(end.y - before.y, end.x - before.x);
  const corner = (turn: number): string =>
    `${round(end.x - 7 * Math.cos(angle + turn))} ${round(end.y - 7 * Math.sin(angle + turn))}`;
  const head = `M${round(end.x)} ${round(end.y)}L${corner(0.45)}L${corner(-0.45)}Z`;
  return `<g class="arrow ${kind}"><path class="shaft" d="${path}"/><path class="head" d="${head}"/></g>`;
}
