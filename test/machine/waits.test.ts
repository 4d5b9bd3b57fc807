/** A wait is measured in naps: a process that was stopped has not waited. */
import { afterEach, expect, test, vi } from "vitest";
import { attach, boot, systemOf, threadOf } from "../../src/kernel/kernel.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const WAIT_LIMIT_MS = 100;

/** A machine whose only CPU one kernel may take, and the other wait for. */
function twoKernels() {
  const kernel = boot({ cpus: 1, tasks: 2, memory: 2 ** 24 });
  const other = attach(kernel.shared);
  threadOf(other).waitLimit = WAIT_LIMIT_MS;
  return { kernel, other };
}

/** How long `wait` lasts where the clock, once read, jumps ahead by an hour. */
function msOf(wait: () => void): number {
  const now = performance.now.bind(performance);
  const start = now();
  let looks = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now() + (++looks > 1 ? 3_600_000 : 0));
  wait();
  return now() - start;
}

test("a wait for a CPU outlasts an hour in which the process was stopped", () => {
  const { kernel, other } = twoKernels();
  kernel.run(() => {
    const wait = () => expect(() => other.run(() => 0)).toThrow("found no CPU");
    expect(msOf(wait)).toBeGreaterThan(WAIT_LIMIT_MS * 0.7);
  });
});

test("a wait for a word outlasts an hour in which the process was stopped", () => {
  const { other } = twoKernels();
  const word = systemOf(other).machine.layout.end - 4;
  const wait = () => expect(() => threadOf(other).waitWhile(word, 0)).toThrow("did not let go");
  expect(msOf(wait)).toBeGreaterThan(WAIT_LIMIT_MS * 0.7);
});
