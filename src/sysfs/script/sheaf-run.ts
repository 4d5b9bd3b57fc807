// SPDX-License-Identifier: GPL-2.0-only
/**
 * A script on a kernel with sheaves. Slabs are numbered when they are made, since a refill may take
 * several before an object of them is handed out; a grace period passes after each operation that
 * has something wait for one.
 */
import type { SheafCalls } from "../../caches/allocator.ts";
import type { SheafSteps, TraceStyle } from "../../caches/trace-view.ts";
import { type Change, onSlubLayer } from "../../kernel/classes.ts";
import { type Kernel, systemOf } from "../../kernel/kernel.ts";
import type { Address } from "../../machine/memory.ts";
import { NUMA_NO_NODE } from "../../machine/topology.ts";
import { __GFP_THISNODE, GFP_KERNEL } from "../../pages/gfp.ts";
import { Page, type PagePtr, PG_SLAB } from "../../pages/page.ts";
import { type Command, ScriptError } from "./commands.ts";
import { type Event, ScriptRun, times } from "./script-run.ts";

type Tell = (event: Event) => void;
type Hold = (Command & { kind: "hold" })["lock"];

/** Notes each slab that is made. */
export function notingSlabs(made: PagePtr[]): Change {
  return onSlubLayer((classes) => ({
    SlabPages: class extends classes.SlabPages {
      override newSlab(s: number, gfp: number, node: number): PagePtr {
        const page = super.newSlab(s, gfp, node);
        if (page !== 0) made.push(page);
        return page;
      }
    },
  }));
}

type SlotCommand = Extract<Command, { slot: number }>;

/** The lock of a sheaf is met by every call that the held lock stands for; the others by nolock only. */
const MET_BY_ALL = "sheaf";

export class SheafScriptRun extends ScriptRun {
  private readonly made: PagePtr[];
  private readonly steps: SheafSteps;
  private readonly calls: SheafCalls;
  private readonly slots = new Map<number, Address>();
  /** Objects of kfree_rcu that no sheaf took, by the CPU that gave them. */
  private readonly batches = new Map<number, Address[]>();
  private hold: Hold;

  constructor(kernel: Kernel, style: TraceStyle, made: PagePtr[]) {
    super(kernel, style);
    this.made = made;
    const { sheafSteps } = this.view;
    const { sheafCalls } = systemOf(kernel).allocator;
    if (sheafSteps === undefined || sheafCalls === undefined) {
      throw new ScriptError("this allocator has no sheaves");
    }
    this.steps = sheafSteps;
    this.calls = sheafCalls;
  }

  protected override step(command: Command, text: string): Event[] {
    switch (command.kind) {
      case "allocate":
        return times(command.count, () =>
          this.held(true, (tell) => this.allocate(tell, command.node)),
        );
      case "allocateThisNode":
        return times(command.count, () =>
          this.held(true, (tell) =>
            this.handOut(
              tell,
              this.kernel.kmemCacheAllocNode(this.s, GFP_KERNEL | __GFP_THISNODE, command.node),
            ),
          ),
        );
      case "allocateNolock":
        return times(command.count, () =>
          this.held(false, (tell) => {
            const object = this.calls.allocNolock(this.s, 0, NUMA_NO_NODE);
            // Interrupts are on, so that what the call has put off is done before anything is told.
            systemOf(this.kernel).machine.irqWork.take();
            this.handOut(tell, object);
          }),
        );
      case "allocateBulk":
        return this.held(true, (tell) => this.allocateBulk(tell, command.count));
      case "free":
        return this.eachLive(command.ids, (id) => this.held(true, (tell) => this.free(tell, id)));
      case "freeBulk":
        return this.held(true, (tell) => this.freeBulk(tell, command.ids));
      case "freeRcu":
        return this.eachLive(command.ids, (id) => this.freeRcu(id));
      case "freeNolock":
        return this.eachLive(command.ids, (id) => this.freeNolock(id));
      case "prefill":
      case "refill":
      case "returnSheaf":
        return this.withSlot(command);
      case "allocateFrom":
        return this.allocateFrom(command);
      case "gracePeriod":
        return this.afterGracePeriod(["GP"], () => undefined);
      case "kvfreeBarrier":
        return this.afterGracePeriod(["GB"], () => this.kvfreeBarrier());
      case "flush":
        return this.afterGracePeriod(["FA"], () => this.flushAll());
      case "deferred":
        return this.operation((tell) => tell(["IW"]));
      case "hold":
        this.hold = command.lock;
        return [];
      case "hotplug":
        return this.plug(command.cpu, command.online);
      case "minPartial":
        this.steps.setMinPartial(this.s, command.least);
        return [];
      case "shrink":
        this.flushAll();
        return super.step(command, text);
      default:
        return super.step(command, text);
    }
  }

  protected override create(command: Command & { kind: "create" }, text: string): Event[] {
    this.objects = [];
    this.nextSlab = 0;
    this.quiet = false;
    this.slots.clear();
    this.batches.clear();
    this.made.length = 0;
    return super.create(command, text);
  }

  protected override destroy(): Event[] {
    for (const sheaf of this.slots.values()) {
      this.operation(() => this.calls.returnSheaf(this.s, GFP_KERNEL, sheaf));
    }
    this.kvfreeBarrier();
    return super.destroy();
  }

  /**
   * The state is that at the end of the operation, before a grace period can pass; new slabs are told
   * before all else.
   */
  protected override operation(act: (tell: Tell) => void): Event[] {
    const first = this.nextSlab;
    const events: Event[] = [];
    this.kernel.run(() => {
      act((event) => events.push(event));
      const last = events.pop();
      if (last !== undefined) events.push(this.quiet ? last : this.withState(last));
      if (this.waitsForReaders) systemOf(this.kernel).machine.rcu.barrier();
    }, this.cpu);
    this.numberSlabs();
    const born = [...this.slabs].filter(([, number]) => number >= first);
    const told = born.map(([page, n]): Event => ["N", n, this.view.describeSlab(this.s, page)]);
    return [...told, ...events, ...this.goneSlabs()];
  }

  protected override readonly numbers = (page: PagePtr): number => {
    this.numberSlabs();
    return this.slabs.get(page) ?? -1;
  };

  private numberSlabs(): void {
    const { memory } = systemOf(this.kernel);
    for (const page of this.made.splice(0)) {
      const isSlab = (memory.read32(page + Page.flags) & PG_SLAB) !== 0;
      if (isSlab && memory.read32(page + Page.slabCache) === this.s) {
        this.slabs.set(page, this.nextSlab++);
      }
    }
  }

  /** An operation under the lock that the script holds, if it is one that meets it. */
  private held(waits: boolean, act: (tell: Tell) => void): Event[] {
    const { hold } = this;
    if (hold === undefined || (waits && hold !== MET_BY_ALL)) return this.operation(act);
    return this.operation((tell) => this.steps.withLock(this.s, hold, () => act(tell)));
  }

  protected override handOut(tell: Tell, object: Address): void {
    const id = this.objects.push(object) - 1;
    if (object === 0) tell(["A", id, -1, -1]);
    else {
      const page = systemOf(this.kernel).pages.virtToHeadPage(object);
      tell(["A", id, this.numbers(page), this.view.indexOf(this.s, page, object)]);
    }
  }

  private eachLive(ids: readonly number[], act: (id: number) => Event[]): Event[] {
    return ids.flatMap((id) => (this.isLive(id) ? act(id) : []));
  }

  private freeRcu(id: number): Event[] {
    const events = this.held(true, (tell) => {
      const object = this.takeBack((event) => tell(["R", ...event.slice(1)]), id);
      if (this.calls.kfreeRcu(this.s, object)) return;
      const batch = this.batches.get(this.cpu) ?? [];
      this.batches.set(this.cpu, [...batch, object]);
    });
    this.kernel.run(() => systemOf(this.kernel).machine.rcu.barrier(), this.cpu);
    return [...events, ...this.goneSlabs()];
  }

  private freeNolock(id: number): Event[] {
    const events = this.held(false, (tell) => {
      const object = this.takeBack(tell, id);
      this.calls.freeNolock(this.s, object);
    });
    this.kernel.run(() => this.calls.deferFreeBarrier(), this.cpu);
    return [...events, ...this.goneSlabs()];
  }

  private withSlot(command: SlotCommand): Event[] {
    const { slot } = command;
    const sheaf = this.slots.get(slot) ?? 0;
    if (command.kind !== "prefill" && sheaf === 0) return [];
    if (command.kind === "prefill" && sheaf !== 0) {
      throw new ScriptError(`slot ${slot} holds a sheaf: return it (ST ${slot}) before PS ${slot}`);
    }
    return this.operation((tell) => {
      let now = 0;
      if (command.kind === "returnSheaf") this.calls.returnSheaf(this.s, GFP_KERNEL, sheaf);
      else if (command.kind === "refill") {
        now = this.calls.refillSheaf(this.s, GFP_KERNEL, sheaf, command.count);
      } else now = this.calls.prefillSheaf(this.s, GFP_KERNEL, command.count);
      if (now === 0) this.slots.delete(slot);
      else this.slots.set(slot, now);
      tell(["P", slot, 0, now === 0 ? null : this.steps.describeSheaf(now)]);
    });
  }

  private allocateFrom({ slot, count }: SlotCommand & { count: number }): Event[] {
    const sheaf = this.slots.get(slot);
    if (sheaf === undefined) return [];
    return times(count, () =>
      this.operation((tell) =>
        this.handOut(tell, this.calls.allocFromSheaf(this.s, GFP_KERNEL, sheaf)),
      ),
    );
  }

  private afterGracePeriod(event: Event, act: () => void): Event[] {
    act();
    return this.operation((tell) => {
      systemOf(this.kernel).machine.rcu.barrier();
      tell(event);
    });
  }

  private onEachCpu(act: () => void): void {
    for (const cpu of this.kernel.onlineCpus()) {
      this.kernel.run(() => {
        act();
        systemOf(this.kernel).machine.rcu.barrier();
      }, cpu);
    }
  }

  private flushAll(): void {
    this.onEachCpu(() => this.steps.flushThisCpu(this.s));
  }

  private kvfreeBarrier(): void {
    this.onEachCpu(() => this.steps.flushRcuOfThisCpu(this.s));
    const batches = [...this.batches].sort(([a], [b]) => a - b);
    this.batches.clear();
    this.kernel.run(() => {
      for (const [, batch] of batches) this.kernel.kmemCacheFreeBulk(0, batch.length, batch);
    }, this.cpu);
  }

  private plug(cpu: number, online: boolean): Event[] {
    this.cpu = 0;
    const isCpu = cpu < systemOf(this.kernel).machine.options.cpus;
    const isChange = isCpu && this.kernel.onlineCpus().includes(cpu) !== online;
    if (isChange) {
      this.kernel.run(() => (online ? this.kernel.cpuUp(cpu) : this.kernel.cpuDown(cpu)), 0);
    }
    return this.afterGracePeriod(["O", cpu, Number(online), isCpu ? 0 : -1], () => undefined);
  }
}
