/** The page's main thread, beside workers that do the same. */
import { audit } from "../../../src/check/audit.ts";
import type { BootOptions } from "../../../src/kernel/boot-options.ts";
import { boot, type Kernel, MIB, systemOf } from "../../../src/kernel/kernel.ts";
import { Churn } from "./churn.ts";

interface Answer {
  readonly rounds?: number;
  readonly error?: string;
}

interface User {
  readonly worker: Worker;
  /** Settled once it is attached, or has failed to. */
  readonly started: Promise<unknown>;
  readonly answer: Promise<Answer>;
}

export interface PageAnswer {
  readonly rounds: readonly number[];
  readonly errors: readonly string[];
  readonly findings: readonly string[];
}

function hire(kernel: Kernel, stop?: Int32Array): User {
  const worker = new Worker("/worker.js", { type: "module" });
  let start: (told: unknown) => void;
  const started = new Promise((resolve) => {
    start = resolve;
  });
  const answer = new Promise<Answer>((resolve) => {
    worker.onmessage = ({ data }) => {
      start(data);
      if (data.task === undefined) resolve(data);
    };
    worker.onerror = ({ message }) => {
      start(message);
      resolve({ error: message });
    };
  });
  worker.postMessage({ shared: kernel.shared, stop });
  return { worker, started, answer };
}

/** A slice of the main thread's time, as a frame has it. */
function slice(churn: Churn): Promise<void> {
  for (let i = 0; i < 500; i++) churn.turn();
  return new Promise((resolve) => setTimeout(resolve, 0));
}

async function churnBeside(
  options: BootOptions,
  workers: number,
  milliseconds: number,
): Promise<PageAnswer> {
  const kernel = boot({ memory: 32 * MIB, ...options });
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const users = Array.from({ length: workers }, () => hire(kernel, stop));
  const churn = new Churn(kernel);
  const errors: string[] = [];
  const end = performance.now() + milliseconds;
  try {
    while (performance.now() < end) await slice(churn);
    churn.finish();
  } catch (error) {
    errors.push(`main: ${error}`);
  }
  Atomics.store(stop, 0, 1);
  const answers = await Promise.all(users.map(({ answer }) => answer));
  errors.push(...answers.flatMap(({ error }) => (error === undefined ? [] : [error])));
  kernel.rcuBarrier();
  for (const { worker } of users) worker.terminate();
  return {
    rounds: [churn.rounds, ...answers.map(({ rounds = 0 }) => rounds)],
    errors,
    findings: audit(systemOf(kernel)).map(({ message }) => message),
  };
}

/** Workers that are ended at work have CPU and number taken back by the main thread, which cannot block. */
async function outliveWorkers(count: number): Promise<string> {
  const kernel = boot({ memory: 16 * MIB, cpus: 2, tasks: 3 });
  for (let i = 0; i < count; i++) {
    const { worker, started } = hire(kernel);
    const told = await started;
    worker.terminate();
    if (typeof told === "string" || kernel.kmalloc(64) === 0) return String(told);
  }
  return "went on";
}

/** An AudioWorklet imports the library and allocates in each block. */
async function playBeside(): Promise<unknown> {
  const kernel = boot({ memory: 16 * MIB, cpus: 2 });
  const context = new OfflineAudioContext(1, 128 * 400, 44_100);
  await context.audioWorklet.addModule("/worklet.js");
  const node = new AudioWorkletNode(context, "user", {
    processorOptions: { shared: kernel.shared },
  });
  const answer = new Promise((resolve) => {
    node.port.onmessage = ({ data }) => resolve(data);
    node.onprocessorerror = () => resolve("the processor failed");
  });
  node.connect(context.destination);
  const churn = new Churn(kernel);
  const rendered = context.startRendering();
  for (let i = 0; i < 20; i++) await slice(churn);
  await rendered;
  churn.finish();
  return answer;
}

Object.assign(globalThis, { churnBeside, outliveWorkers, playBeside });
