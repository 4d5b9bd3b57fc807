import { attach } from "../../../src/kernel/kernel.ts";
import { Churn } from "./churn.ts";

interface Order {
  readonly shared: Parameters<typeof attach>[0];
  /** Works until its word is not 0; where it is left out, a while, and keeps its CPU and its number. */
  readonly stop?: Int32Array;
}

const scope = globalThis as unknown as {
  onmessage: (event: { data: Order }) => void;
  postMessage(message: unknown): void;
};

scope.onmessage = ({ data: { shared, stop } }) => {
  try {
    const kernel = attach(shared);
    const churn = new Churn(kernel);
    if (stop === undefined) for (let i = 0; i < 500; i++) churn.turn();
    scope.postMessage({ task: kernel.task });
    if (stop === undefined) return;
    while (Atomics.load(stop, 0) === 0) churn.turn();
    const rounds = churn.finish();
    kernel.detach();
    scope.postMessage({ rounds });
  } catch (error) {
    scope.postMessage({ error: String(error) });
  }
};
