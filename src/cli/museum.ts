// SPDX-License-Identifier: GPL-2.0-only
/** `slablab museum`: the catalogue of bugs, and the proof that each is found, and mended. */
import type { Command } from "commander";
import { type LiveProof, runLive, runsLive } from "../../stress/live.ts";
import { EXHIBITS, exhibit } from "../museum/bugs/index.ts";
import type { Exhibit } from "../museum/exhibit.ts";
import type { ProofsPlan, Slice } from "../museum/plan.ts";
import { brokenScenario, type Proof } from "../museum/prove.ts";
import type { CheckResult } from "../report/check-result.ts";
import { dmesgText } from "../report/dmesg.ts";
import {
  catalogue,
  interruptedNote,
  liveReport,
  proofReport,
  type Shown,
} from "../report/museum.ts";
import { museumHtml } from "../report/museum-html.ts";
import { answerOf, answerText } from "./answer.ts";
import { type ReportFiles, refuseUnwritable, tellResults, writeReport } from "./check-results.ts";
import {
  anySeed,
  badUsage,
  complain,
  EXIT,
  type Interruptible,
  interruptible,
  ProgressLine,
} from "./common.ts";
import { jsonDocument, reportSource } from "./document.ts";
import type { Given } from "./options/museum.ts";
import { explorersOf } from "./queue.ts";
import { saidIn } from "./said.ts";
import { runShard } from "./shard.ts";
import { blameUser } from "./subject.ts";

/** For one preemption more than the exhibit needs, on the fixed source; shared equally by all. */
const SHARED_SECONDS = 200;

export function showCatalogue({ json }: { json?: true }): void {
  const text = json
    ? jsonDocument("museum", {}, { exhibits: EXHIBITS.map(about) })
    : catalogue(EXHIBITS);
  process.stdout.write(text);
}

/** Proves the exhibits `ids`, or all, as the options say. */
export async function runMuseum(
  command: Command,
  ids: readonly string[],
  given: Given,
): Promise<void> {
  const wanted = ids.length === 0 ? EXHIBITS : ids.map((id) => known(command, id));
  refuseTogether(command, given);
  refuseUnwritable(command, given);
  try {
    if (given.shard !== undefined) await showShard(wanted, given, given.shard);
    else if (given.live) await showLive(wanted, given);
    else await showProof(wanted, given);
  } catch (error) {
    blameUser(command, error);
    throw error;
  }
}

function known(command: Command, id: string): Exhibit {
  const found = exhibit(id);
  if (found !== undefined) return found;
  return badUsage(
    command,
    `no exhibit ${id}; there are ${EXHIBITS.map(({ id }) => id).join(", ")}`,
  );
}

function about(one: Exhibit): Record<string, unknown> {
  const { id, commit, title, year, era, needs, story, verification, isIdUnconfirmed } = one;
  return {
    id,
    commit,
    title,
    year,
    era,
    needs,
    story,
    verification,
    idConfirmed: !isIdUnconfirmed,
    scenario: one.scenario.name,
    expect: one.class === null ? "clean" : "failure",
    expectedClass: one.class,
    expectedPreemptions: one.preemptions,
  };
}

function planOf(wanted: readonly Exhibit[]): ProofsPlan {
  const shareSeconds = SHARED_SECONDS / EXHIBITS.length;
  return { kind: "proofs", ids: wanted.map(({ id }) => id), shareSeconds };
}

function refuseTogether(command: Command, given: Given): void {
  const { live, shard, queue, json, html, junit } = given;
  if (shard !== undefined && queue !== undefined) {
    badUsage(command, "--queue and --shard exclude each other");
  }
  if (live && (shard !== undefined || queue !== undefined)) {
    const name = shard === undefined ? "queue" : "shard";
    badUsage(command, `--live does not go with --${name}: it runs on the threads of this machine`);
  }
  if (html !== undefined && live) badUsage(command, "--html does not go with --live");
  if (shard !== undefined && (html ?? junit) !== undefined) {
    badUsage(command, "--html and --junit do not go with --shard: give them to slablab merge");
  }
  if (shard !== undefined && !json) badUsage(command, "--shard needs --json, for slablab merge");
}

async function showShard(wanted: readonly Exhibit[], given: Given, shard: Slice): Promise<void> {
  const plan = planOf(wanted);
  await runShard({ command: "museum", options: { ids: plan.ids }, plan }, given, shard);
}

async function showProof(wanted: readonly Exhibit[], given: Given): Promise<void> {
  const start = performance.now();
  const plan = planOf(wanted);
  const explorers = await explorersOf(given);
  const line = new ProgressLine(given.quiet === true);
  const shown: Shown[] = [];
  let ended: Interruptible<boolean>;
  try {
    ended = await interruptible(async (signal) => {
      const all = wanted.map(async (one) => {
        const job = { kind: "proof", id: one.id, shareSeconds: plan.shareSeconds } as const;
        shown.push({ exhibit: one, proof: await explorers.prove(job, signal) });
        line.show(`${shown.length} of ${wanted.length} exhibits, ${one.id} last`);
      });
      const ends = await Promise.allSettled(all);
      const failed = ends.find((end) => end.status === "rejected");
      if (failed !== undefined && !signal.aborted) throw failed.reason;
      return failed !== undefined;
    });
  } finally {
    line.clear();
    await explorers.close();
  }
  const { result: interrupted, interruptedCode } = ended;
  const proofs = wanted.map(({ id }) => shown.find(({ exhibit }) => exhibit.id === id)?.proof);
  const elapsed = (performance.now() - start) / 1000;
  showProofs(plan, given, { interrupted, seconds: elapsed, proofs });
  if (interrupted) process.exitCode = interruptedCode;
}

/** What the machine prints as the broken source fails. */
function saidOf({ exhibit: one, proof }: Shown): string[] {
  return proof.token === null ? [] : saidIn(brokenScenario(one), proof.token);
}

export interface Proven {
  readonly interrupted: boolean;
  readonly seconds: number;
  /** Of the exhibits of the plan, as far as they are done. */
  readonly proofs: readonly (Proof | undefined)[];
}

export function showProofs(
  plan: ProofsPlan,
  given: ReportFiles & { readonly json?: true; readonly dmesg?: true },
  { interrupted, seconds: elapsed, proofs }: Proven,
): void {
  const { ids } = plan;
  const shown = ids.flatMap((id, at): Shown[] => {
    const [one, proof] = [exhibit(id), proofs[at]];
    return one === undefined || proof === undefined ? [] : [{ exhibit: one, proof }];
  });
  const answer = interrupted ? null : answerOf(plan, proofs);
  const said = given.dmesg === true ? shown.map(saidOf) : undefined;
  const exhibits = shown.map(({ exhibit: one, proof }, at) => ({
    ...about(one),
    ...proof,
    dmesg: said?.[at],
  }));
  const console = said?.map((lines, at) => `\n${ids[at]}${dmesgText(lines)}`).join("") ?? "";
  process.stdout.write(
    given.json
      ? jsonDocument("museum", { ids }, { interrupted, seconds: elapsed, exhibits, answer })
      : `${proofReport(shown, elapsed, ids.length)}${console}${answer === null ? "" : `${answerText(answer)}\n`}`,
  );
  process.exitCode = shown.every(({ proof }) => proof.isProven) ? EXIT.FINE : EXIT.FOUND;
  if (given.html !== undefined) {
    const about = { shown, wanted: ids.length, seconds: elapsed, source: reportSource() };
    writeReport(given.html, museumHtml(about));
  }
  const left = ids.filter((_, at) => proofs[at] === undefined);
  const unproven = left.map((name) => ({ name, seconds: 0, unproven: "interrupted" }));
  tellResults("museum", given, [...shown.map(resultOf), ...unproven]);
}

/** A proof fails where anything differs from what the exhibit says. */
function resultOf({ exhibit: { id, title }, proof }: Shown): CheckResult {
  const { isProven, secondsInAll: seconds, message } = proof;
  const failure = {
    class: "not-proven",
    message:
      message ?? (proof.fixedClean ? "the broken source passes" : "the fixed source is not clean"),
    again: `slablab museum run ${id}`,
  };
  return { name: `${id} ${title}`, seconds, failure: isProven ? undefined : failure };
}

async function showLive(wanted: readonly Exhibit[], given: Given): Promise<void> {
  const { seconds: most, interrupts, migrations, delays, seed = anySeed() } = given;
  const torture = { seconds: most, seed, interrupts, migrations, delays };
  const line = new ProgressLine(given.quiet === true);
  const able = wanted.filter(runsLive);
  const shown: { exhibit: Exhibit; live: LiveProof }[] = [];
  let ended: Interruptible<boolean> | undefined;
  let broken: unknown;
  try {
    ended = await interruptible(async (signal) => {
      for (const one of able) {
        line.show(`${one.id} on real threads`);
        const live = await runLive(one, torture, signal);
        // Cut short, it says nothing but what it has found.
        if (!signal.aborted || live.class !== null) shown.push({ exhibit: one, live });
        if (signal.aborted) return true;
      }
      return false;
    });
  } catch (error) {
    // Thrown on below: what was shown before it is not lost.
    broken = error;
  } finally {
    line.clear();
  }
  for (const one of wanted) {
    if (!runsLive(one)) complain(`${one.id} is left out: it needs its own scenario`);
  }
  const exhibits = shown.map(({ exhibit: one, live }) => ({
    ...about(one),
    found: live.class !== null,
    ...live,
  }));
  const interrupted = ended?.result ?? false;
  const note = interrupted ? interruptedNote(shown.length, able.length) : "";
  process.stdout.write(
    given.json
      ? jsonDocument("museum", { live: true, ...torture }, { interrupted, exhibits })
      : `${liveReport(shown, most)}${note}seed ${seed}\n`,
  );
  if (broken !== undefined) throw broken;
  tellResults("museum", given, shown.map(liveResultOf));
  process.exitCode = ended?.result ? ended.interruptedCode : EXIT.FINE;
}

/** Real threads meet a bug by chance: one that they did not meet is no failure. */
function liveResultOf({ exhibit, live }: { exhibit: Exhibit; live: LiveProof }): CheckResult {
  const { id, title } = exhibit;
  const unproven = live.class === null && exhibit.class !== null ? "not met by chance" : undefined;
  return { name: `${id} ${title}`, seconds: live.seconds, unproven };
}
