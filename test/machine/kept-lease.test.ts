/**
 * The handover of a kept CPU, explored: the code of src/machine, over words whose stores of `inside`
 * stay in a store buffer for as long as the schedule likes, but no longer than the taker's wait.
 */
import { expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import type { ExploredMemory } from "../../src/explore/explored-memory.ts";
import { exploredMemory, smallMachine } from "../../src/explore/world.ts";
import { Task } from "../../src/machine/cpus.ts";
import { KeptLease } from "../../src/machine/kept-lease.ts";
import { type LeaseAtomics, leaseOf, taskWord } from "../../src/machine/lease-words.ts";
import { AWAY_MS, Recalls } from "../../src/machine/recalls.ts";

const KEEPER = 0;
const TAKER = 1;
const VISIBLE = 0xf;
const PENDING_SHIFT = 4;

/** Words of a CPU and two tasks; the keeper's `inside` is drawn as: pending value + 1 | visible. */
class Model {
  readonly memory: ExploredMemory;
  readonly places;
  private readonly inside: number;
  private readonly occupant: number;

  constructor() {
    this.memory = exploredMemory(smallMachine(3));
    const { free } = this.memory.layout;
    this.places = { cpuBase: free, taskBase: free + 1024, offCpu: free + 4096 };
    this.occupant = free + 4160;
    this.inside = taskWord(this.places, KEEPER, Task.inside);
    this.memory.write32(this.places.offCpu, 1);
    this.memory.write32(leaseOf(this.places, 0) << 2, KEEPER + 1);
  }

  private swapInside(change: (word: number) => number): void {
    for (;;) {
      const found = this.memory.loadAcquire(this.inside << 2);
      if (this.memory.cmpxchg(this.inside << 2, found, change(found)) === found) return;
    }
  }

  /** What the keeper has stored so far is visible. */
  drain(): void {
    this.swapInside((word) => (word >> PENDING_SHIFT === 0 ? word : (word >> PENDING_SHIFT) - 1));
  }

  /** Into the store buffer; an older store goes out first. */
  private storeInside(value: number): void {
    this.drain();
    this.swapInside((word) => (word & VISIBLE) | ((value + 1) << PENDING_SHIFT));
  }

  keeper(): KeptLease {
    const { memory, inside } = this;
    const words = new Proxy([] as unknown as Int32Array, {
      get: (_, at) => memory.readOnce(Number(at) << 2),
      set: (_, at, value) => {
        if (Number(at) === inside) this.storeInside(value);
        else memory.writeOnce(Number(at) << 2, value);
        return true;
      },
    });
    const { load, store, cmpxchg } = this.atomics();
    const flushing: LeaseAtomics = {
      load,
      store: (at, value) => {
        this.drain();
        store(at, value);
      },
      cmpxchg: (at, expected, desired) => {
        this.drain();
        return cmpxchg(at, expected, desired);
      },
    };
    return new KeptLease(words, flushing, this.places, KEEPER);
  }

  atomics(): LeaseAtomics {
    const { memory, inside } = this;
    return {
      load: (at) => memory.loadAcquire(at << 2) & (at === inside ? VISIBLE : -1),
      store: (at, value) => memory.storeRelease(at << 2, value),
      cmpxchg: (at, expected, desired) => memory.cmpxchg(at << 2, expected, desired),
    };
  }

  /** Two tasks on the CPU at once are the failure that is looked for. */
  runAs(task: number): void {
    const { memory, occupant } = this;
    const found = memory.cmpxchg(occupant, 0, task + 1);
    if (found !== 0) throw new Error(`task ${task} on a CPU that task ${found - 1} runs as`);
    memory.storeRelease(occupant, 0);
  }
}

/** Enters and leaves twice, by the fast path where it can. */
const keeping = {
  name: "keep",
  run: (model: Model) => {
    const kept = model.keeper();
    kept.keep(0, false);
    for (let i = 0; i < 2 && kept.cpu >= 0; i++) {
      const isFast = kept.resume();
      if (!isFast && !kept.reclaim()) return;
      model.runAs(KEEPER);
      if (!isFast) kept.keep(0, false);
      else if (!kept.rest() && kept.reclaim()) kept.keep(0, false);
    }
  },
};

/** Tries until the CPU is its own; `waits`: as long as the protocol asks for. */
const taking = (waits: boolean) => ({
  name: "take",
  run: (model: Model) => {
    let time = 0;
    const recalls = new Recalls(model.atomics(), model.places, () => time);
    for (let i = 0; i < 4; i++) {
      if (recalls.tryTake(TAKER, 0)) {
        model.runAs(TAKER);
        return;
      }
      time += AWAY_MS;
      if (waits) model.drain();
    }
  },
});

const handover = (waits: boolean) => ({
  name: "handover",
  world: () => new Model(),
  contexts: [
    { name: "keeper", cpu: 0, operations: [keeping] },
    { name: "taker", cpu: 1, operations: [taking(waits)] },
    { name: "store buffer", cpu: 2, operations: [{ name: "drain", run: (m: Model) => m.drain() }] },
  ],
});

test("a keeper and a taker are never on the CPU at once", () => {
  const { failure, complete } = explore({
    ...handover(true),
    search: { strategy: "bound", preemptions: 2, schedules: 400_000 },
  });
  expect(failure?.message).toBeUndefined();
  expect(complete?.preemptions).toBe(2);
});

test("a taker that does not wait for the keeper's stores meets the keeper on the CPU", () => {
  const { failure } = explore({ ...handover(false), search: { schedules: 400_000 } });
  expect(failure?.message).toMatch(/on a CPU that task \d runs as/);
});

test("a lease names its holder whether it is kept or held", () => {
  const model = new Model();
  const kept = model.keeper();
  kept.keep(0, false);
  expect(model.memory.loadAcquire(leaseOf(model.places, 0) << 2) & 0xff).toBe(KEEPER + 1);
  expect(kept.reclaim()).toBe(true);
  expect(model.memory.loadAcquire(leaseOf(model.places, 0) << 2)).toBe(KEEPER + 1);
});
