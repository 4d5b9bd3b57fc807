// SPDX-License-Identifier: GPL-2.0-only
/** Style and code of the timeline page. The code runs in a browser and knows nothing but its data. */

export const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #2563eb; --warn: #b45309; --bad: #dc2626; --good: #15803d; }
* { box-sizing: border-box; }
body { margin: 0; font: 14px/1.45 system-ui, sans-serif; }
header { position: sticky; top: 0; z-index: 1; padding: .6rem 1rem; background: Canvas; border-bottom: 1px solid var(--line); }
h1 { margin: 0; font-size: 1.1rem; }
p { margin: .15rem 0; }
.failed { color: var(--bad); font-weight: 600; }
.fine { color: var(--good); }
.token { font-size: .8rem; overflow-wrap: anywhere; opacity: .75; }
nav { display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; margin-top: .4rem; }
nav input { flex: 1 1 12rem; }
button { font: inherit; padding: .1rem .55rem; }
main { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 1rem; padding: 1rem; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; font: 12px/1.4 ui-monospace, monospace; }
th { position: sticky; top: 0; text-align: left; padding: .2rem .4rem; background: Canvas; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { width: 3.2rem; text-align: right; }
td:first-child { color: color-mix(in srgb, CanvasText 60%, transparent); }
th { z-index: 1; }
td { padding: .05rem .4rem; vertical-align: top; overflow-wrap: anywhere; border-left: 1px solid var(--line); }
tr { cursor: pointer; }
tr:hover td { background: var(--soft); }
tr.now td { background: color-mix(in srgb, var(--accent) 22%, transparent); }
tr.begins td, tr.ends td { font-weight: 600; }
tr.matters td { color: var(--warn); }
tr.fails td { color: var(--bad); font-weight: 600; }
#timeline { max-height: calc(100vh - 11rem); overflow: auto; }
#machine { position: sticky; top: 10rem; align-self: start; max-height: calc(100vh - 11rem); overflow: auto; }
.card { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .7rem; margin-bottom: .6rem; }
.card.changed { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
.card h2 { margin: 0 0 .2rem; font-size: .95rem; }
.facts { font: 12px ui-monospace, monospace; opacity: .85; }
.list { font: 12px/1.9 ui-monospace, monospace; }
.list b { font-weight: 500; opacity: .6; }
.item { border: 1px solid var(--line); border-radius: .25rem; padding: 0 .3rem; }
.object { display: inline-block; min-width: 1.7rem; text-align: center; border: 1px solid var(--line); padding: 0 .25rem; margin-right: .15rem; }
.object.held { background: color-mix(in srgb, var(--accent) 30%, transparent); }
.stack { font: 11px ui-monospace, monospace; opacity: .75; white-space: pre-wrap; }
@media (max-width: 900px) { main { grid-template-columns: 1fr; } #machine { position: static; max-height: none; } #timeline { max-height: 45vh; } }
`;

export const CODE = `
const events = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const make = (tag, text, className) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
};
const cpus = Math.max(...events.map((event) => event.cpu)) + 1;
const said = (event) => {
  if (event.what === "begins") return event.contextName + ": " + event.operation;
  if (event.what === "goes on") return event.contextName + " goes on";
  if (event.what === "waits") return "waits for " + event.text;
  if (event.what === "drains") return "all see " + event.text;
  if (event.what === "ends") return "done" + (event.text ? ": " + event.text : "");
  return event.text;
};
const table = make("table");
const head = table.createTHead().insertRow();
head.append(make("th", "step"));
for (let cpu = 0; cpu < cpus; cpu++) head.append(make("th", "CPU " + cpu));
const body = table.createTBody();
const rows = events.map((event, index) => {
  const row = body.insertRow();
  row.className = [event.what.replace(" ", "-"), event.matters >= 0 ? "matters" : ""].join(" ");
  row.insertCell().textContent = event.step;
  for (let cpu = 0; cpu < cpus; cpu++) row.insertCell().textContent = cpu === event.cpu ? said(event) : "";
  row.addEventListener("click", () => show(index));
  return row;
});
byId("timeline").append(table);

const drawList = ({ name, entries }) => {
  const line = make("div", undefined, "list");
  line.append(make("b", name + " "));
  if (entries.length === 0) line.append("–");
  entries.forEach((entry, i) => line.append(i === 0 ? "" : " → ", make("span", entry, "item")));
  return line;
};
const drawPlace = (place) => {
  const card = make("div", undefined, "card");
  card.append(make("h2", place.name), make("div", place.facts.join("   "), "facts"), ...place.lists.map(drawList));
  return card;
};
const drawSlab = (slab) => {
  const card = make("div", undefined, "card");
  const objects = make("div", undefined, "list");
  slab.held.forEach((held, i) => {
    const object = make("span", i, "object" + (held ? " held" : ""));
    object.title = held ? "held" : "free";
    objects.append(object);
  });
  card.append(make("h2", "slab " + slab.number), make("div", slab.counters, "facts"), objects, drawList({ name: "freelist", entries: slab.freelist }));
  return card;
};

let at = -1;
const show = (index) => {
  const next = Math.min(Math.max(index, 0), events.length - 1);
  const before = events[next - 1];
  if (at >= 0) rows[at].classList.remove("now");
  at = next;
  rows[at].classList.add("now");
  rows[at].scrollIntoView({ block: "nearest" });
  byId("at").value = at;
  byId("count").textContent = at + 1 + " / " + events.length;
  const { state, where } = events[at];
  const cards = [];
  const add = (kind, list, draw) => list.forEach((one, i) => {
    const card = draw(one);
    const was = before && before.state[kind].find((other, j) => (kind === "slabs" ? other.number === one.number : j === i));
    if (before && JSON.stringify(was) !== JSON.stringify(one)) card.classList.add("changed");
    cards.push(card);
  });
  add("places", state.places, drawPlace);
  add("slabs", state.slabs, drawSlab);
  byId("machine").replaceChildren(...cards, make("div", where.join("\\n"), "stack"));
};
const seek = (test) => {
  for (let i = at + 1; i < events.length; i++) if (test(events[i], events[i - 1])) return show(i);
  show(events.length - 1);
};
const moves = {
  first: () => show(0),
  back: () => show(at - 1),
  next: () => show(at + 1),
  last: () => show(events.length - 1),
  turn: () => seek((event, before) => event.contextName !== before.contextName),
  matter: () => seek((event) => event.matters >= 0),
};
for (const [id, move] of Object.entries(moves)) byId(id).addEventListener("click", move);
byId("at").addEventListener("input", (input) => show(Number(input.target.value)));
const keys = { Home: "first", ArrowLeft: "back", ArrowRight: "next", End: "last", n: "turn", m: "matter" };
addEventListener("keydown", (key) => {
  const id = keys[key.key];
  if (!id || key.target.tagName === "INPUT") return;
  key.preventDefault();
  moves[id]();
});
show(0);
`;
