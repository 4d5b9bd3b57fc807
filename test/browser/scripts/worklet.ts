import { attach } from "../../../src/kernel/kernel.ts";
import type { SharedKernel } from "../../../src/kernel/shared-kernel.ts";
import { Churn } from "./churn.ts";

interface Scope {
  readonly AudioWorkletProcessor: new () => { readonly port: MessagePort };
  registerProcessor(name: string, processor: unknown): void;
}

const { AudioWorkletProcessor, registerProcessor } = globalThis as unknown as Scope;
const BLOCKS = 300;

class User extends AudioWorkletProcessor {
  private readonly churn: Churn;
  private readonly detach: () => void;
  private blocks = 0;

  constructor({ processorOptions }: { processorOptions: { shared: SharedKernel } }) {
    super();
    const kernel = attach(processorOptions.shared);
    this.churn = new Churn(kernel);
    this.detach = () => kernel.detach();
  }

  process(): boolean {
    for (let i = 0; i < 50; i++) this.churn.turn();
    if (++this.blocks < BLOCKS) return true;
    this.port.postMessage({ rounds: this.churn.finish() });
    this.detach();
    return false;
  }
}

registerProcessor("user", User);
