// SPDX-License-Identifier: GPL-2.0-only
/**
 * A small stress over real Web Workers: each is a thread that allocates from one shared pool and frees
 * what the others have allocated. Shared memory needs an isolated page; where the host does not send
 * the headers for that, a service worker does.
 */
import { OVER, RUN, type Started, type Told } from "../lab/stress-protocol.ts";
import { STYLE } from "./page-style.ts";

const SHELF = 1024;
const RELOADED = "slablab-isolated";

const BODY = `<style>${STYLE}</style>
<h1>Stress in this browser</h1>
<p class="lead">Each thread is a Web Worker and runs as one CPU. All allocate from one shared pool, mark their objects, put them on a shared shelf and free what another thread has put there. The allocator takes no lock on its fast paths.</p>
<form>
<label>threads <input name="threads" type="number" min="1" max="16" value="4" required></label>
<label>allocator <select name="allocator"><option>slub</option><option>slab</option></select></label>
<label>seconds <input name="seconds" type="number" min="1" max="60" value="5" required></label>
<button class="run" type="submit" disabled>Run</button>
</form>
<p class="status" role="status"></p>
<table class="threads" hidden><thead><tr><th>thread</th><th>operations</th></tr></thead><tbody></tbody></table>`;

/** Fills `root`; `isolator`: the address of the service worker that isolates it. Returns how to end it. */
export function stressPage(root: HTMLElement, isolator: string): () => void {
  const page = new StressPage(root);
  page.isolate(isolator);
  return () => page.close();
}

class StressPage {
  private readonly root: HTMLElement;
  private workers: Worker[] = [];

  constructor(root: HTMLElement) {
    this.root = root;
    root.innerHTML = BODY;
    this.one("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.run().catch(({ message }) => {
        this.say(message, "bad");
        this.end();
      });
    });
  }

  close(): void {
    for (const worker of this.workers) worker.terminate();
  }

  /** Once the service worker is there, the page is loaded again, through it. */
  async isolate(isolator: string): Promise<void> {
    if (crossOriginIsolated) {
      sessionStorage.removeItem(RELOADED);
      this.one<HTMLButtonElement>(".run").disabled = false;
      return;
    }
    const why = "this page is not isolated, so its threads may not share memory";
    if (!("serviceWorker" in navigator) || sessionStorage.getItem(RELOADED) !== null) {
      this.say(`${why}: serve it with COOP and COEP headers`, "bad");
      return;
    }
    this.say("a service worker isolates this page …");
    try {
      await navigator.serviceWorker.register(isolator);
      await navigator.serviceWorker.ready;
    } catch (thrown) {
      this.say(`${why}: ${(thrown as Error).message}`, "bad");
      return;
    }
    sessionStorage.setItem(RELOADED, "1");
    location.reload();
  }

  private one<E extends HTMLElement>(selector: string): E {
    return this.root.querySelector(selector) as E;
  }

  private value(name: string): string {
    return this.one<HTMLInputElement>(`[name=${name}]`).value;
  }

  private async run(): Promise<void> {
    const threads = Number(this.value("threads"));
    const seconds = Number(this.value("seconds"));
    const allocator = this.value("allocator") as Started["allocator"];
    const shelf = new Int32Array(new SharedArrayBuffer(4 * (SHELF + 1)));
    this.one<HTMLButtonElement>(".run").disabled = true;
    this.one(".threads").hidden = false;
    this.one(".threads tbody").innerHTML = Array.from(
      { length: threads },
      (_, thread) => `<tr><td>${thread}</td><td>0</td></tr>`,
    ).join("");
    this.say("the threads are loading …");
    const common = { cpus: threads, allocator, shelf };
    const first = this.hire(0, common);
    const shared = await first.ready;
    const others = Array.from({ length: threads - 1 }, (_, at) =>
      this.hire(at + 1, { ...common, shared }),
    );
    await Promise.all(others.map(({ ready }) => ready));
    this.say(`${threads} threads run for ${seconds} seconds …`);
    const start = performance.now();
    Atomics.store(shelf, SHELF, RUN);
    Atomics.notify(shelf, SHELF);
    setTimeout(() => Atomics.store(shelf, SHELF, OVER), seconds * 1000);
    const ends = await Promise.all([first, ...others].map(({ ended }) => ended));
    this.end();
    this.tell(ends, (performance.now() - start) / 1000);
  }

  private end(): void {
    this.close();
    this.workers = [];
    this.one<HTMLButtonElement>(".run").disabled = false;
  }

  private tell(ends: readonly Extract<Told, { kind: "ended" }>[], seconds: number): void {
    const { error } = ends.find((end) => end.error !== undefined) ?? {};
    if (error !== undefined) {
      this.say(error, "bad");
      return;
    }
    const operations = ends.reduce((sum, end) => sum + end.operations, 0);
    const rate = Math.round(operations / seconds / 1000).toLocaleString("en-US");
    const all = operations.toLocaleString("en-US");
    this.say(`${all} operations, ${rate} thousand a second; no object had two owners`, "good");
  }

  private hire(thread: number, started: Started) {
    const worker = new Worker(new URL("../lab/stress-thread.ts", import.meta.url), {
      type: "module",
    });
    this.workers.push(worker);
    const ready = Promise.withResolvers<NonNullable<Started["shared"]>>();
    const ended = Promise.withResolvers<Extract<Told, { kind: "ended" }>>();
    const cell = this.root.querySelectorAll(".threads tbody tr")[thread]?.children[1];
    worker.onmessage = ({ data }: { data: Told }) => {
      if (data.kind === "ready") ready.resolve(data.shared);
      else if (cell) cell.textContent = data.operations.toLocaleString("en-US");
      if (data.kind === "ended") ended.resolve(data);
    };
    worker.onerror = ({ message }) => {
      const error = message || "a thread cannot be loaded";
      ended.resolve({ kind: "ended", operations: 0, error });
      ready.reject(new Error(error));
    };
    worker.postMessage(started);
    return { ready: ready.promise, ended: ended.promise };
  }

  private say(text: string, tone = ""): void {
    const status = this.one(".status");
    status.textContent = text;
    status.className = `status ${tone}`.trim();
  }
}
