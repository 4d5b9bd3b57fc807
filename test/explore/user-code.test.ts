/** The explorer on code without an allocator: a ring buffer and a counter. */
import { expect, test } from "vitest";
import { explore } from "../../src/explore/explore.ts";
import type { ExploredMemory } from "../../src/explore/explored-memory.ts";
import { replay } from "../../src/explore/replay.ts";
import { exploredMemory, smallMachine } from "../../src/explore/world.ts";
import type { Address } from "../../src/machine/memory.ts";

const SLOTS = 4;
const HEAD = 0;
const TAIL = 64;
const FIRST_SLOT = 128;

/** A queue of numbers for several writers and one reader; a writer claims a slot, then fills it. */
class RingBuffer {
  readonly memory: ExploredMemory;
  private readonly base: Address;

  constructor(memory: ExploredMemory) {
    this.memory = memory;
    this.base = memory.layout.free;
  }

  put(value: number): boolean {
    const { memory, base } = this;
    const slot = this.claim();
    if (slot < 0) return false;
    memory.storeRelease(base + FIRST_SLOT + (slot % SLOTS) * 4, value);
    return true;
  }

  protected claim(): number {
    const { memory, base } = this;
    for (;;) {
      const head = memory.loadAcquire(base + HEAD);
      if (head - memory.loadAcquire(base + TAIL) === SLOTS) return -1;
      if (memory.cmpxchg(base + HEAD, head, head + 1) === head) return head;
    }
  }

  take(): number {
    const { memory, base } = this;
    const tail = memory.loadAcquire(base + TAIL);
    if (tail === memory.loadAcquire(base + HEAD)) return 0;
    const at = base + FIRST_SLOT + (tail % SLOTS) * 4;
    memory.waitWhile(at, 0);
    const value = memory.xchg(at, 0);
    memory.storeRelease(base + TAIL, tail + 1);
    return value;
  }

  /** Its numbers, in order. */
  contents(): number[] {
    const { memory, base } = this;
    const [head, tail] = [memory.loadAcquire(base + HEAD), memory.loadAcquire(base + TAIL)];
    return Array.from({ length: head - tail }, (_, i) =>
      memory.loadAcquire(base + FIRST_SLOT + ((tail + i) % SLOTS) * 4),
    );
  }
}

/** The seeded bug: looks, then claims. */
class LooksFirst extends RingBuffer {
  protected override claim(): number {
    const { memory } = this;
    const at = memory.layout.free + HEAD;
    const head = memory.loadAcquire(at);
    memory.storeRelease(at, head + 1);
    return head;
  }
}

const put = (value: number) => ({
  name: `put ${value}`,
  run: (ring: RingBuffer) => ring.put(value),
});

const ringScenario = (of: typeof RingBuffer) => ({
  name: "ring-buffer",
  world: () => new of(exploredMemory(smallMachine(3))),
  contexts: [
    { name: "writer 1", cpu: 0, operations: [put(1)] },
    { name: "writer 2", cpu: 1, operations: [put(2)] },
    {
      name: "reader",
      cpu: 2,
      operations: [{ name: "take", run: (ring: RingBuffer) => ring.take() }],
    },
  ],
  check: {
    atEnd: (ring: RingBuffer) => {
      const { length } = ring.contents();
      if (length < 1)
        throw new Error(`of two numbers put and one taken at most, ${length} are left`);
    },
  },
});

test("a ring buffer that looks before it claims loses a number, with one preemption", () => {
  const scenario = ringScenario(LooksFirst);
  const { failure } = explore({ ...scenario, search: { schedules: 10_000 } });
  expect(failure).toMatchObject({ class: "exception", preemptions: 1 });
  expect(replay(scenario, failure?.token ?? "").failure).toEqual(failure);
});

test("a ring buffer that claims by compare-and-swap loses no number", () => {
  const { failure, complete } = explore({
    ...ringScenario(RingBuffer),
    search: { strategy: "bound", preemptions: 2, schedules: 100_000 },
  });
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(2);
});

test("a counter without an atomic loses an increment", () => {
  const memory = exploredMemory(smallMachine(2));
  const at = memory.layout.free;
  const increment = { name: "increment", run: () => memory.writeOnce(at, memory.readOnce(at) + 1) };
  const { failure } = explore({
    name: "counter",
    world: () => ({ memory }),
    contexts: [0, 1].map((cpu) => ({ name: `CPU ${cpu}`, cpu, operations: [increment] })),
    check: {
      atEnd: () => {
        if (memory.readOnce(at) !== 2) throw new Error(`2 increments give ${memory.readOnce(at)}`);
      },
    },
  });
  expect(failure).toMatchObject({ class: "exception", message: "Error: 2 increments give 1" });
  expect(failure?.token).toMatch(/^v1:counter:[0-9a-f]{8}:0x1\.1x3\.0x1$|^v1:counter/);
});
