/** examples/toy-slub.ts under torture, with a ledger of who holds which object: see toy.test.ts. */
import {
  KeepsTid,
  TOY_CPU_BYTES,
  type ToyPlaces,
  ToySlub,
  WithoutTid,
} from "../../../examples/toy-slub.ts";
import { FAILURE_CLASSES, type FailureClass, KernelBug } from "../../../src/machine/kernel-bug.ts";
import { TorturedMemory } from "../../../src/machine/tortured-memory.ts";
import { serveJobs, type Thread } from "./thread.ts";

/** What a run on the toy came to. */
export interface ToyVerdict {
  readonly failure: FailureClass | "none";
  readonly rounds: number;
  readonly injected: TorturedMemory["injected"];
}

const VERDICT = 0;
const SLABS = 1024;
const OWNERS = 2048;
const SLAB_COUNT = 12;
const OBJECTS_PER_SLAB = 2;
const OPERATIONS_PER_ROUND = 2_000;

class Player {
  private readonly thread: Thread<TorturedMemory>;
  private readonly toy: ToySlub;
  private readonly places: ToyPlaces;
  private readonly held: number[] = [];
  private readonly heldByInterrupts: number[] = [];

  constructor(
    thread: Thread<TorturedMemory>,
    toyClass: new (memory: TorturedMemory, places: ToyPlaces) => ToySlub,
  ) {
    this.thread = thread;
    this.places = {
      cpus: thread.machine.options.cpus,
      cpu: thread.machine.percpu.define(TOY_CPU_BYTES),
      slabs: thread.scratch + SLABS,
      slabCount: SLAB_COUNT,
      objectsPerSlab: OBJECTS_PER_SLAB,
    };
    this.toy = new toyClass(thread.memory, this.places);
    // The interrupt that shows why there is a tid: the list comes back with another second object.
    thread.memory.onInterrupt = () => {
      if (this.heldByInterrupts.length > 0) this.free(this.heldByInterrupts);
      this.alloc(this.heldByInterrupts);
      this.alloc(this.heldByInterrupts);
      if (this.heldByInterrupts.length > 0) this.free(this.heldByInterrupts);
    };
  }

  private ownerOf(object: number): number {
    return this.thread.scratch + OWNERS + ((object - this.places.slabs) >> 1);
  }

  private report(failure: FailureClass): void {
    const { memory, scratch } = this.thread;
    memory.cmpxchg(scratch + VERDICT, 0, FAILURE_CLASSES.indexOf(failure) + 1);
  }

  private get failed(): boolean {
    return this.thread.memory.readOnce(this.thread.scratch + VERDICT) !== 0;
  }

  private alloc(held: number[]): void {
    if (this.failed) return;
    const object = this.toy.alloc();
    if (object === 0) return;
    const me = this.thread.memory.current() + 1;
    if (this.thread.memory.cmpxchg(this.ownerOf(object), 0, me) !== 0) {
      this.report("double-allocation");
    } else {
      held.push(object);
    }
  }

  /** The oldest goes first, so that the interrupt's second object stays while its first is freed. */
  private free(held: number[]): void {
    if (this.failed) return;
    const object = held.shift() as number;
    this.thread.memory.xchg(this.ownerOf(object), 0);
    this.toy.free(object);
  }

  private operate(): void {
    const { memory } = this.thread;
    const draw = memory.random() & 15;
    if (draw === 0) this.toy.flush();
    else if (this.held.length > 0 && (draw < 8 || this.held.length > 3)) this.free(this.held);
    else this.alloc(this.held);
    memory.poll();
  }

  private round(n: number): void {
    const { memory, index } = this.thread;
    memory.enterCpu(-1);
    memory.torture({ interrupts: 0.01, migrations: 0.05, delays: 0.001 }, 977 * n + index);
    try {
      for (let i = 0; i < OPERATIONS_PER_ROUND && !this.failed; i++) this.operate();
      memory.disable();
      while (this.held.length > 0 && !this.failed) this.free(this.held);
      while (this.heldByInterrupts.length > 0 && !this.failed) this.free(this.heldByInterrupts);
    } catch (error) {
      if (!(error instanceof KernelBug)) throw error;
      memory.disable();
      memory.irqEnable();
      this.report(error.failure);
    }
    memory.leaveCpu();
  }

  /** On a quiet toy: every object is free, once. */
  private audit(): void {
    const free = this.toy.freeObjects().map(({ object }) => object);
    const all = SLAB_COUNT * OBJECTS_PER_SLAB;
    if (new Set(free).size < all) this.report("lost-object");
    else if (free.length > all) this.report("double-free");
  }

  play(): ToyVerdict {
    const { thread } = this;
    if (thread.index === 0) this.toy.init();
    let rounds = 0;
    while (rounds < thread.argument && !this.failed) {
      thread.meet();
      this.round(rounds++);
      thread.meet();
      if (thread.index === 0 && !this.failed) this.audit();
      thread.meet();
    }
    const verdict = thread.memory.readOnce(thread.scratch + VERDICT);
    const failure = FAILURE_CLASSES[verdict - 1] ?? "none";
    return { failure, rounds, injected: thread.memory.injected };
  }
}

serveJobs<TorturedMemory>(
  {
    correct: (thread) => new Player(thread, ToySlub).play(),
    withoutTid: (thread) => new Player(thread, WithoutTid).play(),
    keepsTid: (thread) => new Player(thread, KeepsTid).play(),
  },
  TorturedMemory,
);
