// SPDX-License-Identifier: GPL-2.0-only
/** The explorer in a worker of the page: explores what it is sent, and draws what it finds. */
import "./shared-memory.ts";
import type { Progress } from "../../src/explore/budget.ts";
import type { ExploreResult, SearchOptions } from "../../src/explore/explore.ts";
import { explore, replay } from "../../src/explore/javascript/explore.ts";
import type { WordsProgram } from "../../src/explore/javascript/program.ts";
import type { Replayed } from "../../src/explore/replay.ts";
import type { Frame } from "../../src/explore/stack.ts";
import { parseScenario } from "../../src/laboratory/parse.ts";
import { type SlabScenario, scenarioOf } from "../../src/laboratory/scenario.ts";
import { snapshotOf } from "../../src/laboratory/snapshot.ts";
import { EXHIBITS, exhibit } from "../../src/museum/bugs/index.ts";
import { brokenChange } from "../../src/museum/prove.ts";
import { timelineHtml } from "../../src/report/timeline/html.ts";
import { catalogue } from "./catalogue.ts";
import type { Laboratory } from "./laboratory.ts";
import type { Answer, Wanted } from "./protocol.ts";
import { loadUserModule } from "./user-program.ts";

/** Something that can be explored, and what a reader is told about it. */
interface Subject {
  readonly title: string;
  readonly story: readonly string[];
  /** The path of the user's module in stacks. */
  readonly path?: string;
  explore(search: SearchOptions): ExploreResult;
  replay(token: string): Replayed;
}

let lab: Laboratory;
const tell = (answer: Answer): void => postMessage(answer);

function scenarioSubject({ text, bug, memory }: Wanted): Subject {
  return slabSubject(parseScenario("scenario", text), { bug, memory });
}

function slabSubject(
  given: SlabScenario,
  { bug, memory }: Pick<Wanted, "bug" | "memory">,
): Subject {
  const shown = exhibit(bug);
  const change = shown === undefined ? undefined : brokenChange(shown);
  const scenario = scenarioOf(given, change, memory);
  const title = shown === undefined ? given.name : `${shown.id}: ${shown.title}`;
  return {
    title,
    story: [...(shown?.story ?? []), given.story].filter((sentence) => sentence !== ""),
    explore: (search) => explore({ ...scenario, search }),
    replay: (token) => replay(scenario, token, { watch: snapshotOf }),
  };
}

async function programSubject({ text, bug, memory }: Wanted): Promise<Subject> {
  const { exports, path } = await loadUserModule(text, lab);
  const all = Object.entries(exports).filter(([, value]) => typeof value === "object" && value);
  const found = all.find(([, value]) => "tasks" in Object(value));
  if (found !== undefined) {
    const given = found[1] as WordsProgram;
    const program = { ...given, name: given.name ?? "program", memory };
    return {
      title: program.name,
      story: [],
      path,
      explore: (search) => explore({ ...program, ...search }),
      replay: (token) => replay(program, token),
    };
  }
  const scenario = all.find(([, value]) => "contexts" in Object(value));
  if (scenario !== undefined) return slabSubject(scenario[1] as SlabScenario, { bug, memory });
  throw new TypeError("program.ts exports nothing to explore: an object with tasks");
}

/** Frames as a reader knows the files: those of the tree, and the user's program. */
function drawn({ title, story, path }: Subject, replayed: Replayed): string {
  const tidy = (frame: Frame): Frame => {
    const { file } = frame;
    if (file === path) return { ...frame, file: "program.ts" };
    return { ...frame, file: file.replace(lab.at.pathname, "").replace(/\.js$/, ".ts") };
  };
  const timeline = replayed.timeline.map((event) => {
    const { access } = event;
    if (access === undefined) return event;
    return { ...event, access: { ...access, stack: access.stack.map(tidy) } };
  });
  const files = new Set(
    timeline.flatMap(({ access }) => access?.stack.map(({ file }) => file) ?? []),
  );
  const lines = new Map([...files].map((file) => [file, linesOf(file)]));
  const sourceLine = ({ file, line }: Frame): string | undefined => lines.get(file)?.[line - 1];
  const token = replayed.failure?.token;
  return timelineHtml({ title, story, token, sourceLine }, { ...replayed, timeline });
}

let userText = "";

function linesOf(file: string): readonly string[] {
  const text = file === "program.ts" ? userText : lab.textOf(file.replace(/\.ts$/, ".js"));
  return text?.split("\n") ?? [];
}

const count = (number: number): string => number.toLocaleString("en-US");

function progressText({ schedules, complete }: Progress): string {
  const done =
    complete === undefined ? "" : `; all with at most ${complete.preemptions} preemptions pass`;
  return `${count(schedules)} schedules${done}`;
}

function passedText({ schedules, complete, ordersDiffer }: ExploreResult, wanted: Wanted): string {
  if (!ordersDiffer) return "no two contexts touch a word that one writes: no order could fail";
  if (complete === undefined) {
    return `no failure in ${count(schedules)} schedules, and none of the bounds was completed: give it more seconds`;
  }
  const { preemptions } = complete;
  const proven = `all ${count(complete.schedules)} schedules with at most ${preemptions} preemptions pass under ${wanted.memory}`;
  return preemptions >= wanted.preemptions
    ? proven
    : `${proven}; the time ended before ${wanted.preemptions}`;
}

async function answer(wanted: Wanted): Promise<Answer> {
  userText = wanted.text;
  const subject =
    wanted.kind === "scenario" ? scenarioSubject(wanted) : await programSubject(wanted);
  let { token } = wanted;
  let how = "replayed";
  if (token === undefined) {
    const { preemptions, seconds } = wanted;
    const progress = (at: Progress): undefined =>
      tell({ kind: "progress", text: progressText(at) }) as undefined;
    const result = subject.explore({ strategy: "bound", preemptions, seconds, progress });
    const { failure } = result;
    if (failure === undefined) return { kind: "passed", text: passedText(result, wanted) };
    how = `${count(result.schedules)} schedules, ${failure.preemptions} preemptions, ${failure.steps} steps`;
    if (failure.token === undefined) return { kind: "refused", text: failure.message };
    token = failure.token;
  }
  const replayed = subject.replay(token);
  const { failure } = replayed;
  const verdict = failure === undefined ? "the schedule passes" : `fails: ${failure.class}`;
  return {
    kind: "failed",
    text: `${verdict} (${how})`,
    token,
    html: drawn(subject, replayed),
  };
}

const scope = globalThis as unknown as { onmessage: typeof hear };

async function hear({ data }: { data: Wanted }): Promise<void> {
  try {
    tell(await answer(data));
  } catch (thrown) {
    const { message = String(thrown) } = Object(thrown);
    tell({ kind: "refused", text: String(message).split("\n")[0] ?? "" });
  }
}

/** Begins the worker, and tells the page what there is to choose. */
export function start(laboratory: Laboratory): void {
  lab = laboratory;
  scope.onmessage = hear;
  const bugs = EXHIBITS.filter(({ mutation }) => mutation !== null);
  tell({
    kind: "catalogue",
    choices: catalogue(lab),
    bugs: bugs.map(({ id, title }) => [id, title]),
  });
}
