// SPDX-License-Identifier: GPL-2.0-only
/**
 * The playground: choose a program, change it, run it in a worker of this page, step through what
 * fails, share it by its address. What was typed stays, whatever goes wrong.
 */
import { MEMORY_MODELS, type MemoryModel } from "../../src/explore/store-buffers.ts";
import { stepThrough } from "../../src/report/timeline/step-through.ts";
import type { Answer, Choice, Wanted } from "../lab/protocol.ts";
import { STYLE } from "./page-style.ts";
import { BadLink, fragmentOf, type Shared, sharedOf } from "./share.ts";

const FIRST = "R01";
const MODEL_TITLES: Readonly<Record<MemoryModel, string>> = {
  sc: "sc: every store is seen at once",
  tso: "tso: late, in order (x86)",
  pso: "pso: late, in any order (SPARC)",
  weak: "weak: late, and loads early (ARM)",
};

const BODY = `<style>${STYLE}</style>
<h1>Playground</h1>
<p class="lead">A program is run one shared access at a time, in every order that the bound allows. The explorer runs in this page; nothing is sent anywhere.</p>
<form>
<label>program <select class="what" name="what"></select></label>
<label>allocator with the bug of <select class="bug" name="bug"></select></label>
<label>memory model <select name="memory">${MEMORY_MODELS.map((model) => `<option value="${model}">${MODEL_TITLES[model]}</option>`).join("")}</select></label>
<label>preemptions <input name="preemptions" type="number" min="0" max="6" value="2" required></label>
<label>seconds <input name="seconds" type="number" min="1" max="600" value="30" required></label>
<button class="run" type="submit" title="Ctrl+Enter" disabled>Run</button>
<button class="stop" type="button" disabled>Stop</button>
<button class="share" type="button">Share</button>
<button class="reset" type="button">Undo changes</button>
</form>
<textarea aria-label="program" spellcheck="false" autocapitalize="off" autocomplete="off"></textarea>
<p class="status" role="status">The laboratory is loading …</p>
<div class="result"></div>`;

/** Fills `root`; `lab`: the address of the folder with the laboratory's files. Returns how to end it. */
export function playground(root: HTMLElement, lab: string): () => void {
  const page = new Playground(root, new URL(lab, location.href));
  return () => page.close();
}

class Playground {
  private readonly root: HTMLElement;
  private readonly lab: URL;
  private readonly form: HTMLFormElement;
  private readonly editor: HTMLTextAreaElement;
  private worker: Worker;
  private choices = new Map<string, Choice>();
  private chosen: Choice | undefined;
  /** What was typed, by choice. */
  private readonly drafts = new Map<string, string>();
  private token: string | undefined;
  private endTimeline = (): void => {};

  constructor(root: HTMLElement, lab: URL) {
    this.root = root;
    this.lab = lab;
    root.innerHTML = BODY;
    this.form = this.one("form");
    this.editor = this.one("textarea");
    this.worker = this.hire();
    this.listen();
  }

  close(): void {
    this.worker.terminate();
    this.endTimeline();
  }

  private one<E extends HTMLElement>(selector: string): E {
    return this.root.querySelector(selector) as E;
  }

  private field(name: string): HTMLSelectElement & HTMLInputElement {
    return this.form.elements.namedItem(name) as HTMLSelectElement & HTMLInputElement;
  }

  private hire(): Worker {
    const worker = new Worker(new URL("boot.js", this.lab), { type: "module" });
    worker.onmessage = ({ data }) => this.hear(data);
    worker.onerror = ({ message }) => {
      this.say(`the laboratory has failed: ${message || "its files cannot be loaded"}`, "bad");
      this.setRunning(false);
    };
    return worker;
  }

  private listen(): void {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      // Until the catalogue is there, there is nothing to run.
      if (this.chosen !== undefined) this.run();
    });
    this.editor.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.form.requestSubmit();
    });
    this.editor.addEventListener("input", () => {
      if (this.chosen !== undefined) this.drafts.set(this.chosen.id, this.editor.value);
      this.forget();
    });
    this.field("what").addEventListener("change", () => this.choose(this.field("what").value));
    for (const name of ["bug", "memory"]) {
      this.field(name).addEventListener("change", () => this.forget());
    }
    this.one(".stop").addEventListener("click", () => this.stop());
    this.one(".share").addEventListener("click", () => this.share());
    this.one(".reset").addEventListener("click", () => {
      if (this.chosen === undefined) return;
      this.drafts.delete(this.chosen.id);
      this.choose(this.chosen.id);
    });
  }

  private hear(answer: Answer): void {
    if (answer.kind === "catalogue") {
      if (this.choices.size === 0) this.open(answer);
      return;
    }
    if (answer.kind === "progress") {
      this.say(`searching: ${answer.text}`);
      return;
    }
    this.setRunning(false);
    this.endTimeline();
    this.endTimeline = () => {};
    const result = this.one(".result");
    result.innerHTML = answer.kind === "failed" ? answer.html : "";
    if (answer.kind !== "failed") {
      this.say(answer.text, answer.kind === "passed" ? "good" : "bad");
      return;
    }
    this.token = answer.token;
    this.say(answer.text, answer.text.startsWith("fails") ? "bad" : "good");
    const schedule = this.one<HTMLElement>(".schedule");
    this.endTimeline = stepThrough(schedule);
    schedule.focus({ preventScroll: true });
    this.one(".status").scrollIntoView({ block: "start" });
  }

  /** The catalogue is there: what the address names is opened, or the first exhibit. */
  private async open({ choices, bugs }: Extract<Answer, { kind: "catalogue" }>): Promise<void> {
    this.choices = new Map(choices.map((choice) => [choice.id, choice]));
    const groups = Map.groupBy(choices, ({ group }) => group);
    this.field("what").replaceChildren(
      ...[...groups].map(([group, members]) => {
        const list = document.createElement("optgroup");
        list.label = group;
        list.append(...members.map(({ id, title }) => new Option(title, id)));
        return list;
      }),
    );
    this.field("bug").replaceChildren(
      new Option("no bug", ""),
      ...bugs.map(([id, title]) => new Option(`${id} ${title}`, id)),
    );
    this.choose(FIRST);
    this.setRunning(false);
    try {
      const shared = await sharedOf(location.hash);
      if (shared !== undefined) this.openShared(shared);
    } catch (thrown) {
      if (!(thrown instanceof BadLink)) throw thrown;
      this.say(thrown.message, "bad");
    }
  }

  private openShared({ choice, text, bug, memory, preemptions, kind, token }: Shared): void {
    const known = this.choices.get(choice);
    const id = known?.kind === kind ? choice : kind === "program" ? "counter" : FIRST;
    this.drafts.set(id, text);
    this.choose(id);
    this.field("bug").value = bug;
    this.field("memory").value = memory;
    this.field("preemptions").value = String(preemptions);
    this.token = token;
    if (token !== undefined) this.run(token);
  }

  private choose(id: string): void {
    const choice = this.choices.get(id);
    if (choice === undefined) return;
    this.chosen = choice;
    this.field("what").value = id;
    this.editor.value = this.drafts.get(id) ?? choice.text;
    this.field("bug").value = choice.bug;
    this.field("bug").disabled = choice.kind === "program";
    this.field("memory").value = choice.memory;
    this.field("preemptions").value = String(choice.preemptions);
    this.forget();
    this.say("");
  }

  /** The program is another one now: the token of the last failure is not its own. */
  private forget(): void {
    this.token = undefined;
  }

  private wanted(): Wanted {
    return {
      kind: this.chosen?.kind ?? "scenario",
      text: this.editor.value,
      bug: this.field("bug").value,
      memory: this.field("memory").value as MemoryModel,
      preemptions: this.field("preemptions").valueAsNumber,
      seconds: this.field("seconds").valueAsNumber,
    };
  }

  private run(token?: string): void {
    this.setRunning(true);
    this.say(token === undefined ? "searching …" : "replaying …");
    this.worker.postMessage({ ...this.wanted(), token });
  }

  private stop(): void {
    this.worker.terminate();
    this.worker = this.hire();
    this.setRunning(false);
    this.say("stopped");
  }

  private async share(): Promise<void> {
    const { seconds: _seconds, ...wanted } = this.wanted();
    const choice = this.chosen?.id ?? FIRST;
    const fragment = await fragmentOf({ ...wanted, choice, token: this.token });
    history.replaceState(history.state, "", fragment);
    const isCopied = await navigator.clipboard?.writeText(location.href).then(
      () => true,
      () => false,
    );
    this.say(isCopied ? "the link is copied" : "the link is in the address bar");
  }

  private setRunning(isRunning: boolean): void {
    this.one<HTMLButtonElement>(".run").disabled = isRunning;
    this.one<HTMLButtonElement>(".stop").disabled = !isRunning;
  }

  private say(text: string, tone = ""): void {
    const status = this.one(".status");
    status.textContent = text;
    status.className = `status ${tone}`.trim();
  }
}
