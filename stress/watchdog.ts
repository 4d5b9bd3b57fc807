/**
 * Notices a CPU that does not get on. A task that waits has a limit of its own, shorter than the
 * patience here, and says whom it waited for; what is caught here runs in circles. A task that holds
 * no CPU is not looked at.
 */
import type { Kernel } from "../src/kernel/kernel.ts";
import { Cpu, sizeOfCpu } from "../src/machine/cpus.ts";
import type { StressControl } from "./control.ts";
import { describeDeed } from "./failure.ts";

const STUCK_MS = 15_000;

export interface Stuck {
  readonly task: number;
  readonly message: string;
}

export class Watchdog {
  private readonly kernel: Kernel;
  private readonly control: StressControl;
  private readonly patience: number;
  /** Of each CPU: who ran there when something last changed, how far he was, and when that was. */
  private readonly seen: { holder: number; begun: number; at: number }[] = [];

  /** `patience`: ms that a CPU may make no step. */
  constructor(kernel: Kernel, control: StressControl, patience = STUCK_MS) {
    this.kernel = kernel;
    this.control = control;
    this.patience = patience;
  }

  /** Work begins anew: nobody has been seen yet. */
  reset(): void {
    this.seen.length = 0;
  }

  /** The CPU that has made no step for longest, if that is too long, at the time `now` in ms. */
  check(now: number): Stuck | undefined {
    let since = now - this.patience;
    let stuck: (() => Stuck) | undefined;
    for (let cpu = 0; cpu < this.kernel.machine.options.cpus; cpu++) {
      const holder = this.holderOf(cpu);
      const begun = holder > 0 ? this.control.begun(holder - 1) : 0;
      const last = this.seen[cpu];
      if (last === undefined || last.holder !== holder || last.begun !== begun) {
        this.seen[cpu] = { holder, begun, at: now };
      } else if (holder > 0 && this.control.isActive(holder - 1) && last.at < since) {
        since = last.at;
        stuck = () => this.describe(cpu, holder - 1, now - last.at);
      }
    }
    return stuck?.();
  }

  /** Number of the stress task + 1 that runs as the CPU; the machine's task 0 is the main thread. */
  private holderOf(cpu: number): number {
    const { memory, machine } = this.kernel;
    return memory.loadAcquire(machine.layout.cpuBase + cpu * sizeOfCpu + Cpu.lease) - 1;
  }

  private describe(cpu: number, task: number, forMs: number): Stuck {
    const last = this.control.lastDeeds(task).at(-1);
    const what = last === undefined ? "nothing yet" : describeDeed(last, this.kernel);
    const doing = last?.object === undefined ? `it is doing ${what}` : `its last deed was ${what}`;
    const seconds = Math.round(forMs / 1000);
    return {
      task,
      message: `CPU ${cpu} (task ${task}) has not got on for ${seconds} s; ${doing}`,
    };
  }
}
