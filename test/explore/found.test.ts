/** Packages as their authors publish them, explored: `docs/found.md`. */
import { expect, test } from "vitest";
import { oneProducer, twoProducers } from "../../examples/found/ringbuf.explore.ts";
import { explore, replay } from "../../src/explore/index.ts";

test.each(["sc", "pso"] as const)("ringbuf.js, one producer: complete under %s", (memory) => {
  const { failure, complete } = explore({ ...oneProducer, memory, preemptions: 3, seconds: 60 });
  expect(failure).toBeUndefined();
  expect(complete?.preemptions).toBe(3);
});

test("ringbuf.js, two producers: a push is lost, as its single producer is documented", () => {
  const { failure } = explore(twoProducers);
  expect(failure?.message).toMatch(/^Error: 2 went in, 1 are there/);
  expect(replay(twoProducers, failure?.token ?? "").failure?.message).toBe(failure?.message);
});
