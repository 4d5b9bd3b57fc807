import { attach } from "../../../src/kernel/kernel.ts";
import { Churn } from "./churn.ts";

const scope = globalThis as unknown as {
  onmessage: (event: { data: { shared: Parameters<typeof attach>[0]; stop: Int32Array } }) => void;
  postMessage(message: unknown): void;
};

scope.onmessage = ({ data: { shared, stop } }) => {
  try {
    const kernel = attach(shared);
    scope.postMessage({ task: kernel.task });
    const churn = new Churn(kernel);
    while (Atomics.load(stop, 0) === 0) churn.turn();
    const rounds = churn.finish();
    kernel.detach();
    scope.postMessage({ rounds });
  } catch (error) {
    scope.postMessage({ error: String(error) });
  }
};
