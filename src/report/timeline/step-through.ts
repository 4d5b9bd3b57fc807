// SPDX-License-Identifier: GPL-2.0-only
/**
 * Makes the component of html.ts move, in a browser. A page that stands alone has the text of this
 * function in it: it may use nothing from outside but the DOM.
 */

/** `root`: the component. Returns a function that stops what it has begun. */
export function stepThrough(root: HTMLElement): () => void {
  const one = <E extends Element>(selector: string): E => root.querySelector(selector) as E;
  const all = <E extends Element>(selector: string): E[] => [...root.querySelectorAll<E>(selector)];

  const rows = all<HTMLTableRowElement>(".steps tbody tr");
  const machines = all<SVGElement>(".machines > svg");
  const wordRows = all<HTMLTableRowElement>(".words tr");
  const frames = [
    ...(one<HTMLTemplateElement>("template.frames").content.firstChild?.childNodes ?? []),
  ];
  const where = one<HTMLElement>(".where");
  const find = one<HTMLInputElement>(".find input");
  const play = one<HTMLButtonElement>('button[data-key=" "]');
  const order = one<SVGElement>(".order");
  const conflicts: [from: number, to: number, kind: string, word: string][] = JSON.parse(
    root.dataset.conflicts ?? "[]",
  );
  const ARROWS: Record<string, string> = {
    "reads what was written": "read",
    "overwrites what was read": "anti",
    "overwrites a write": "over",
  };
  const MILLISECONDS_A_STEP = 900;

  const atOf = (row: HTMLElement): number => Number(row.dataset.at);
  /** An unfolded call is a heading: its accesses are the steps. */
  const isStep = (row: HTMLElement): boolean => !row.hidden && row.ariaExpanded !== "true";
  let now = 0;
  let timer: ReturnType<typeof setInterval> | undefined;

  const showWords = (): void => {
    const at = atOf(rows[now] as HTMLElement);
    const known = new Map<number, { value: string; isPending: boolean; last: number }>();
    for (const row of rows) {
      if (atOf(row) > at) continue;
      for (const [word, value, isPending] of JSON.parse(row.dataset.words ?? "[]")) {
        known.set(word, { value, isPending, last: atOf(row) });
      }
    }
    const before = rows.slice(0, now).findLast(isStep);
    wordRows.forEach((row, word) => {
      const seen = known.get(word);
      const cell = row.cells[1] as HTMLTableCellElement;
      cell.textContent = seen === undefined ? "not yet touched" : seen.value;
      if (seen?.isPending) cell.textContent += " (not yet seen by all)";
      row.classList.toggle("new", seen !== undefined && seen.last > (before ? atOf(before) : -1));
    });
  };

  const showStack = (row: HTMLElement): void => {
    const numbers = (row.dataset.stack ?? "").split(" ").filter((word) => word !== "");
    where.hidden = numbers.length === 0;
    where
      .querySelector("ol")
      ?.replaceChildren(
        ...numbers.map((number) => (frames[Number(number)] as Node).cloneNode(true)),
      );
  };

  const markArrows = (): void => {
    const row = rows[now] as HTMLTableRowElement;
    for (const arrow of order.querySelectorAll<SVGElement>("g")) {
      const ends = [Number(arrow.dataset.from), Number(arrow.dataset.to)];
      arrow.classList.toggle("now", ends.includes(atOf(row)) && row.classList.contains("key"));
    }
  };

  const show = (index: number): void => {
    rows[now]?.classList.remove("now");
    now = Math.min(Math.max(index, 0), rows.length - 1);
    const row = rows[now] as HTMLTableRowElement;
    row.classList.add("now");
    row.scrollIntoView({ block: "nearest" });
    machines.forEach((machine, at) => {
      machine.style.display = at === Number(row.dataset.state) ? "" : "none";
    });
    showWords();
    showStack(row);
    one(".count").textContent =
      `${row.cells[0]?.textContent} of ${atOf(rows.at(-1) as HTMLElement) + 1}`;
    markArrows();
  };

  /** From the current row on, or back, the first shown one that `test` accepts. */
  const seek = (way: 1 | -1, test: (row: HTMLTableRowElement) => boolean): void => {
    for (let at = now + way; at >= 0 && at < rows.length; at += way) {
      const row = rows[at] as HTMLTableRowElement;
      if (isStep(row) && test(row)) {
        show(at);
        return;
      }
    }
  };

  /** The row that shows event `at`: its own, or the call that it is folded into. */
  const rowOf = (at: number): HTMLTableRowElement | undefined => {
    const row = rows.find((each) => atOf(each) === at && !each.classList.contains("call"));
    if (row === undefined || isStep(row)) return row;
    return rows.find((each) => each.dataset.group === row.dataset.of);
  };

  /** A curve for each pair of accesses, from cell to cell. */
  const drawOrder = (): void => {
    const box = order.getBoundingClientRect();
    const NS = "http://www.w3.org/2000/svg";
    const endOf = (at: number) => {
      const row = rowOf(at);
      const cell = row?.querySelector(".said .text") ?? row?.querySelector(".said");
      const rect = cell?.getBoundingClientRect();
      if (row === undefined || rect === undefined) return undefined;
      const column = row.querySelector(".said")?.getBoundingClientRect() ?? rect;
      return {
        column: Number(row.dataset.column),
        left: column.left - box.left,
        right: Math.min(rect.right + 4, column.right) - box.left,
        y: rect.top + Math.min(rect.height / 2, 9) - box.top,
      };
    };
    const arrows = conflicts.flatMap(([from, to, kind, word]) => {
      const [a, b] = [endOf(from), endOf(to)];
      if (a === undefined || b === undefined) return [];
      const isRight = b.column > a.column;
      const [x1, x2] = [isRight ? a.right : a.left + 2, isRight ? b.left + 2 : b.right];
      const bend = (isRight ? 1 : -1) * Math.max(30, Math.abs(x2 - x1) / 2);
      const point = isRight ? -7 : 7;
      const group = document.createElementNS(NS, "g");
      group.setAttribute("class", ARROWS[kind] ?? "");
      group.dataset.from = String(from);
      group.dataset.to = String(to);
      const title = document.createElementNS(NS, "title");
      title.textContent = `step ${to + 1} ${kind} in step ${from + 1}: ${word}`;
      const line = document.createElementNS(NS, "path");
      line.setAttribute("class", ARROWS[kind] ?? "");
      line.setAttribute("d", `M${x1} ${a.y}C${x1 + bend} ${a.y} ${x2 - bend} ${b.y} ${x2} ${b.y}`);
      const tip = document.createElementNS(NS, "path");
      tip.setAttribute("class", `${ARROWS[kind] ?? ""} tip`);
      tip.setAttribute("d", `M${x2} ${b.y}l${point} -4v8Z`);
      group.append(title, line, tip);
      return [group];
    });
    order.replaceChildren(...arrows);
    markArrows();
  };

  const calls = rows.filter((row) => row.classList.contains("call"));
  const membersOf = (call: HTMLTableRowElement): HTMLTableRowElement[] =>
    rows.filter((row) => row.dataset.of === call.dataset.group);
  const callOf = (row: HTMLTableRowElement): HTMLTableRowElement | undefined =>
    calls.find((call) => call.dataset.group === (row.dataset.group ?? row.dataset.of));
  /** The current step stays where it was: in a call that is folded, or at its first access. */
  const setFolds = (which: readonly HTMLTableRowElement[], isOpen: boolean): void => {
    for (const call of which) {
      call.ariaExpanded = String(isOpen);
      for (const row of membersOf(call)) row.hidden = !isOpen;
    }
    const row = rows[now] as HTMLTableRowElement;
    const call = callOf(row);
    drawOrder();
    if (isStep(row) || call === undefined) return;
    show(rows.indexOf((isOpen ? membersOf(call)[0] : call) ?? call));
  };
  const fold = (): void => {
    const call = callOf(rows[now] as HTMLTableRowElement);
    if (call !== undefined) setFolds([call], call.ariaExpanded !== "true");
  };
  const foldAll = (): void =>
    setFolds(
      calls,
      calls.some((call) => call.ariaExpanded !== "true"),
    );

  const pause = (): void => {
    clearInterval(timer);
    timer = undefined;
    play.textContent = "play";
  };
  const playOrPause = (): void => {
    if (timer !== undefined) {
      pause();
      return;
    }
    if (now === rows.length - 1) show(0);
    play.textContent = "pause";
    timer = setInterval(() => {
      seek(1, () => true);
      if (now === rows.length - 1) pause();
    }, MILLISECONDS_A_STEP);
  };

  /** The next row with the text, from the top again after the last; a folded one is unfolded. */
  const findNext = (): void => {
    const text = find.value.trim().toLowerCase();
    if (text === "") return;
    const inTurn = [...rows.keys()].map((at) => (now + 1 + at) % rows.length);
    const hit = inTurn.find((at) => rows[at]?.textContent?.toLowerCase().includes(text));
    find.classList.toggle("none", hit === undefined);
    if (hit === undefined) return;
    const row = rows[hit] as HTMLTableRowElement;
    const call = callOf(row);
    if (row.hidden && call !== undefined) setFolds([call], true);
    show(row.ariaExpanded === "true" ? hit + 1 : hit);
  };

  const KEYS: Record<string, () => void> = {
    ArrowRight: () => seek(1, () => true),
    ArrowLeft: () => seek(-1, () => true),
    Home: () => show(0),
    End: () => show(rows.length - 1),
    " ": playOrPause,
    n: () => {
      const column = rows[now]?.dataset.column;
      seek(1, (row) => row.dataset.column !== column);
    },
    m: () => seek(1, (row) => row.classList.contains("key")),
    f: fold,
    F: foldAll,
    "/": () => find.focus(),
  };

  const stop = new AbortController();
  const { signal } = stop;
  const pressed = (event: KeyboardEvent): void => {
    const target = event.target as HTMLElement;
    const isMine = root.contains(target) || target === document.body;
    if (!isMine || event.ctrlKey || event.altKey || event.metaKey) return;
    if (target === find) {
      if (event.key === "Enter") findNext();
      if (event.key === "Escape") root.focus();
      return;
    }
    const isButton = target.closest("button, summary") !== null;
    const act = isButton && event.key === " " ? undefined : KEYS[event.key];
    if (act === undefined) return;
    event.preventDefault();
    // A site around the component may have keys of its own.
    event.stopPropagation();
    act();
  };
  document.addEventListener("keydown", pressed, { signal });
  for (const button of all<HTMLButtonElement>("button[data-key]")) {
    const act = KEYS[button.dataset.key ?? ""] ?? (() => {});
    button.addEventListener("click", act, { signal });
  }
  rows.forEach((row, at) => {
    row.addEventListener(
      "click",
      () => {
        show(at);
        if (row.dataset.group !== undefined) fold();
      },
      { signal },
    );
  });
  const watcher = new ResizeObserver(drawOrder);
  watcher.observe(one(".steps table"));
  addEventListener("beforeprint", drawOrder, { signal });
  show(0);
  return () => {
    pause();
    watcher.disconnect();
    stop.abort();
  };
}
