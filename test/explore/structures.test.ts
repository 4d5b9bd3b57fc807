/** The structures of `examples/`: complete as they are, and each slip found. */
import { expect, test } from "vitest";
import { Deque, deque, OwnsLast } from "../../examples/structures/deque.ts";
import { ForgetsSleepers, Mutex, mutex } from "../../examples/structures/mutex.ts";
import {
  atomic,
  dekker,
  exclusion,
  looksFirst,
  peterson,
  plain,
} from "../../examples/structures/mutual-exclusion.ts";
import { initialiser, once, trustsRunning } from "../../examples/structures/once.ts";
import { Queue, queue, StoresLink } from "../../examples/structures/queue.ts";
import {
  lockRead,
  lockReadBlindly,
  readersWriter,
} from "../../examples/structures/readers-writer.ts";
import { read, readWhileOdd, seqlock } from "../../examples/structures/seqlock.ts";
import { PlainHead, Ring, ring, ShowsFirst } from "../../examples/structures/spsc-ring.ts";
import { Stack, stack, WithoutCount } from "../../examples/structures/treiber-stack.ts";
import { explore, replay } from "../../src/explore/index.ts";

const SOUND = [
  ring(Ring),
  ring(PlainHead),
  stack(Stack),
  queue(Queue),
  seqlock(read),
  exclusion(peterson, atomic),
  exclusion(dekker, atomic),
  exclusion(dekker, plain),
  mutex(Mutex),
  initialiser(once),
  deque(Deque),
  readersWriter(lockRead),
];

test.each(SOUND.map((program) => [program.name, program] as const))(
  "%s: every schedule with at most two preemptions passes",
  (_name, program) => {
    const { failure, complete, ordersDiffer } = explore(program);
    expect(failure).toBeUndefined();
    expect(complete?.preemptions).toBe(2);
    expect(ordersDiffer).toBe(true);
  },
);

const BROKEN = [
  [ring(ShowsFirst), /went in, .* came out/],
  [stack(WithoutCount), /nodes 1 and 2 became/],
  [queue(StoresLink), /^not linearizable/],
  [seqlock(readWhileOdd), /read \d and \d/],
  [exclusion(looksFirst, atomic), /2 increments give 1/],
  [mutex(ForgetsSleepers), /^deadlock: .* waits for a notify of \w+ at state/],
  [initialiser(trustsRunning), /made \d: .*\b0\b/],
  [deque(OwnsLast), /1 and 2 went in/],
  [readersWriter(lockReadBlindly), /read \d and \d/],
] as const;

test.each(BROKEN.map(([program, message]) => [program.name, program, message] as const))(
  "%s: is found, and its token replays",
  (_name, program, message) => {
    const { failure } = explore({ ...program, preemptions: 3 });
    expect(failure?.message).toMatch(message);
    expect(replay(program, failure?.token ?? "").failure?.message).toBe(failure?.message);
  },
);

/** Right where every store is seen at once, and what machines that reorder stores make of them. */
const REORDERED = [
  [ring(PlainHead), "tso", undefined],
  [ring(PlainHead), "pso", /went in, .* came out/],
  [ring(Ring), "pso", undefined],
  [exclusion(peterson, plain), "tso", /2 increments give 1/],
  [exclusion(dekker, plain), "tso", /2 increments give 1/],
  [exclusion(peterson, atomic), "pso", undefined],
  [exclusion(dekker, atomic), "pso", undefined],
  [stack(Stack), "pso", undefined],
  [queue(Queue), "pso", undefined],
  [seqlock(read), "pso", undefined],
  [mutex(Mutex), "pso", undefined],
  [initialiser(once), "pso", undefined],
  [deque(Deque), "pso", undefined],
  [readersWriter(lockRead), "pso", undefined],
] as const;

test.each(
  REORDERED.map(([program, memory, fails]) => [program.name, memory, program, fails] as const),
)("%s under %s", (_name, memory, program, fails) => {
  const weak = { ...program, memory };
  const { failure, complete } = explore({ ...weak, seconds: 60 });
  if (fails === undefined) {
    expect(failure).toBeUndefined();
    expect(complete?.preemptions).toBe(2);
    return;
  }
  expect(failure?.message).toMatch(fails);
  expect(replay(weak, failure?.token ?? "").failure?.message).toBe(failure?.message);
});
