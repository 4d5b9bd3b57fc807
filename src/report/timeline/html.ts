// SPDX-License-Identifier: GPL-2.0-only
/**
 * A schedule as one projects it: a column a context, accesses folded into the functions that make
 * them, the story above, the slabs and lists of each step beside. The text is complete without a
 * script; step-through.ts makes it move. Data in, text out: runs in a browser as well.
 */
import type { Replayed } from "../../explore/replay.ts";
import { type Frame, placeText } from "../../explore/stack.ts";
import type { TimelineEvent } from "../../explore/timeline.ts";
import type { Snapshot } from "../../laboratory/snapshot.ts";
import { html } from "../html.ts";
import { type Column, columnsOf } from "./columns.ts";
import { type Conflict, conflictsOf } from "./conflicts.ts";
import { LEGEND } from "./legend.ts";
import { drawMachine } from "./machine.ts";
import { type Call, outlineOf } from "./outline.ts";
import { type Words, wordsOf } from "./words.ts";

/** What surrounds a schedule. */
export interface Telling {
  readonly title: string;
  /** What the program is about, a sentence or two each. */
  readonly story: readonly string[];
  readonly token: string | undefined;
  /** The text of the line that a frame names, where it is at hand. */
  readonly sourceLine?: (frame: Frame) => string | undefined;
}

/** The component: one element, to be followed by stepThrough. */
export function timelineHtml(telling: Telling, replayed: Replayed): string {
  const { title, story, token } = telling;
  const { failure, timeline } = replayed;
  const parts = new Parts(timeline, telling);
  const verdict =
    failure === undefined ? "the schedule passes" : `${failure.class}: ${failure.message}`;
  return `<section class="schedule" tabindex="0" aria-label="${html(title)}" data-conflicts="${html(JSON.stringify(parts.arrows()))}">
<header>
<h1>${html(title)}</h1>
${story.map((sentence) => `<p class="story">${html(sentence)}</p>`).join("\n")}
<p class="verdict ${failure === undefined ? "fine" : "failed"}">${html(verdict)}</p>
</header>
<nav aria-label="steps">
<button data-key="Home" title="first step (Home)" aria-label="first step">|◀</button>
<button data-key="ArrowLeft" title="step back (←)" aria-label="step back">◀</button>
<button data-key=" " title="play or pause (space)" aria-label="play or pause">play</button>
<button data-key="ArrowRight" title="step (→)" aria-label="step">▶</button>
<button data-key="End" title="last step (End)" aria-label="last step">▶|</button>
<button data-key="n" title="next change of context (n)">turn</button>
<button data-key="m" title="next access whose order matters (m)">matters</button>
<button data-key="f" title="fold or unfold this call (f), all calls (F)">fold</button>
<label class="find">find <input type="search" placeholder="freelist" aria-label="find (/)" size="10"></label>
<output class="count" aria-live="polite"></output>
</nav>
<div class="panes">
<div class="steps"><table>
${parts.head()}
<tbody>
${parts.rows()}
</tbody>
</table><svg class="order" aria-hidden="true"></svg></div>
<aside>
<div class="machines">${parts.machines()}</div>
${parts.words()}
<section class="where" aria-label="stack" hidden><h2>where</h2><ol></ol></section>
</aside>
</div>
${LEGEND}
${token === undefined ? "" : `<p class="token">token <code>${html(token)}</code></p>`}
<template class="frames"><ol>${parts.frames()}</ol></template>
</section>`;
}

/** The parts of the component, which share the numbers of states, words and frames. */
class Parts {
  private readonly events: readonly TimelineEvent[];
  private readonly telling: Telling;
  private readonly columns: readonly Column[];
  private readonly conflicts: readonly Conflict[];
  private readonly keys: ReadonlySet<number>;
  private readonly known: Words;
  private readonly frameNumbers = new Map<string, number>();
  private readonly frameItems: string[] = [];
  /** Of each event, the number of its state's drawing. */
  private readonly states: number[] = [];
  private readonly drawings: string[] = [];

  constructor(events: readonly TimelineEvent[], telling: Telling) {
    this.events = events;
    this.telling = telling;
    this.columns = columnsOf(events);
    this.conflicts = conflictsOf(events);
    this.keys = new Set(this.conflicts.flatMap(({ from, to }) => [from, to]));
    this.known = wordsOf(events);
    this.drawStates();
  }

  private drawStates(): void {
    let last: { text: string; state: Snapshot } | undefined;
    this.events.forEach(({ state }, at) => {
      if (state === undefined) return;
      const text = JSON.stringify(state);
      if (text !== last?.text) {
        const { svg, width, height } = drawMachine(state as Snapshot, last?.state);
        const size = `viewBox="0 0 ${width} ${height}" style="max-width: ${width}px"`;
        this.drawings.push(
          `<svg class="machine" role="img" aria-label="slabs and lists" ${size}>${svg}</svg>`,
        );
        last = { text, state: state as Snapshot };
      }
      this.states[at] = this.drawings.length - 1;
    });
  }

  arrows(): (string | number)[][] {
    return this.conflicts.map(({ from, to, kind, word }) => [from, to, kind, word]);
  }

  head(): string {
    const cells = this.columns.map(
      ({ name, kind }, at) =>
        `<th scope="col" class="c${at % 6}">${html(name)} <small>${html(kind)}</small></th>`,
    );
    return `<thead><tr><th scope="col">step</th>${cells.join("")}</tr></thead>`;
  }

  rows(): string {
    return outlineOf(this.events, this.keys)
      .flatMap((row, group) => {
        if ("at" in row) return [this.eventRow(row.at)];
        const { accesses } = row.call;
        return [this.callRow(row.call, group), ...accesses.map((at) => this.eventRow(at, group))];
      })
      .join("\n");
  }

  private callRow(call: Call, group: number): string {
    const { accesses, firstLine, lastLine, file } = call;
    const [first, last] = [accesses[0] as number, accesses.at(-1) as number];
    const lines = firstLine === lastLine ? firstLine : `${firstLine}–${lastLine}`;
    const writes = accesses.flatMap((at) =>
      this.event(at).access?.words.some(({ isWritten }) => isWritten) ? [this.event(at).text] : [],
    );
    const shown = writes
      .filter((text) => !text.startsWith("ledger"))
      .map((text) => `<span class="text write">${html(text)}</span>`);
    const content =
      `<span class="function" title="${html(`${file}:${lines}`)}">${html(call.function)}</span> ` +
      `<small>${file === "" ? "" : `${html(fileName(file))}:${lines}, `}${accesses.length} accesses</small>${shown.join("")}`;
    const aside = /(^|\/)(check|laboratory)\//.test(file) ? " aside" : "";
    return this.row(last, `call${aside}`, content, {
      label: `${first + 1}–${last + 1}`,
      more: ` data-group="${group}" aria-expanded="false"`,
    });
  }

  private eventRow(at: number, group?: number): string {
    const event = this.event(at);
    const { what, access } = event;
    const isKey = this.keys.has(at);
    const names = [what.replace(" ", "-"), isKey ? "key" : "", group === undefined ? "" : "member"];
    const more = group === undefined ? "" : ` data-of="${group}" hidden`;
    const [frame] = access?.stack ?? [];
    const content = `${this.said(event, at)}${frame === undefined ? "" : this.place(frame)}`;
    return this.row(at, names.filter((name) => name !== "").join(" "), content, {
      label: String(at + 1),
      more,
    });
  }

  private said(event: TimelineEvent, at: number): string {
    const { what, text, operation, access } = event;
    const before = this.events.slice(0, at).findLast(({ context }) => context === event.context);
    const moved = before !== undefined && before.cpu !== event.cpu ? ` on CPU ${event.cpu}` : "";
    if (what === "begins") return `<b>${html(operation)}</b>${moved}`;
    if (what === "goes on") return `goes on${moved}`;
    if (what === "waits") return `waits for ${html(text)}`;
    if (what === "drains") return `all see ${html(text)}`;
    if (what === "ends") return `done${text === "" ? "" : `: ${html(text)}`}`;
    if (what === "fails") return html(text);
    const isWrite = access?.words.some(({ isWritten }) => isWritten) === true;
    return `<span class="text ${isWrite ? "write" : "read"}">${html(text)}</span>`;
  }

  private place(frame: Frame): string {
    const code = this.telling.sourceLine?.(frame);
    const where = `${frame.function} ${fileName(frame.file)}:${frame.line}`.trimStart();
    const line = code === undefined ? "" : `<code>${html(code.trim())}</code>`;
    return `<small class="place">${html(where)}</small>${line}`;
  }

  private row(
    at: number,
    names: string,
    content: string,
    { label, more }: { label: string; more: string },
  ): string {
    const { context, access } = this.event(at);
    const column = this.columns.findIndex((each) => each.context === context);
    const cells = this.columns.map((_, each) =>
      each === column ? `<td class="said c${column % 6}">${content}</td>` : "<td></td>",
    );
    const state = this.states[at];
    const changes = names.startsWith("call")
      ? []
      : (this.known.changes[at] ?? []).map((change) => Object.values(change));
    const data = [
      `data-at="${at}" data-column="${column}"`,
      state === undefined ? "" : `data-state="${state}"`,
      changes.length === 0 ? "" : `data-words="${html(JSON.stringify(changes))}"`,
      access === undefined ? "" : `data-stack="${this.stackOf(access.stack).join(" ")}"`,
    ];
    const set = data.filter((each) => each !== "").join(" ");
    return `<tr class="${names}" ${set}${more}><td>${label}</td>${cells.join("")}</tr>`;
  }

  private stackOf(stack: readonly Frame[]): number[] {
    return stack.map((frame) => {
      const place = placeText(frame);
      const known = this.frameNumbers.get(place);
      if (known !== undefined) return known;
      const code = this.telling.sourceLine?.(frame);
      const line = code === undefined ? "" : `<code>${html(code.trim())}</code>`;
      this.frameNumbers.set(place, this.frameItems.length);
      return this.frameItems.push(`<li>${html(place)}${line}</li>`) - 1;
    });
  }

  frames(): string {
    return this.frameItems.join("");
  }

  machines(): string {
    return this.drawings.join("\n");
  }

  words(): string {
    const { names } = this.known;
    if (names.length === 0) return "";
    const rows = names.map((name) => `<tr><th scope="row">${html(name)}</th><td></td></tr>`);
    return `<section class="words" aria-label="memory words"><h2>memory words</h2><table><tbody>${rows.join("")}</tbody></table></section>`;
  }

  private event(at: number): TimelineEvent {
    return this.events[at] as TimelineEvent;
  }
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
