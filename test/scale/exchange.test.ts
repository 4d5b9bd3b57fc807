import { expect, test } from "vitest";
import { Exchange } from "../../stress/scaling/exchange.ts";
import { controlOf } from "./player-contexts.ts";

function pair() {
  const control = controlOf(2);
  const [a, b] = [0, 1].map((cpu) => new Exchange<number>(control, cpu, undefined));
  return { control, a: a as Exchange<number>, b: b as Exchange<number> };
}

test("a batch arrives once, in order, at its receiver only", () => {
  const { a, b } = pair();
  expect(b.hasMail(0)).toBe(false);
  expect(a.send(1, [7, 8, 9])).toBe(true);
  expect(a.hasMail(1)).toBe(false);
  expect(b.hasMail(0)).toBe(true);
  const batch: number[] = [];
  expect(b.receive(0, batch)).toBe(3);
  expect(batch).toEqual([7, 8, 9]);
  expect(b.hasMail(0)).toBe(false);
});

test("two batches fit; a third has no room until one was taken", () => {
  const { a, b } = pair();
  a.send(1, [1]);
  expect(a.hasRoom(1)).toBe(true);
  a.send(1, [2]);
  expect(a.hasRoom(1)).toBe(false);
  const batch: number[] = [];
  b.receive(0, batch);
  expect(batch[0]).toBe(1);
  expect(a.hasRoom(1)).toBe(true);
});

test("when a point ends nobody waits any more, and a batch that comes too late stays its sender's", () => {
  const { control, a, b } = pair();
  control.finished();
  control.finished();
  expect(control.stopped).toBe(true);
  control.close(0);
  control.close(1);
  a.waitForRoom(1);
  b.waitForMail(0);
  expect(a.send(1, [1])).toBe(false);
});

test("what is under way when a point ends is found by its receiver", () => {
  const { control, a, b } = pair();
  a.send(1, [4, 5]);
  control.close(0);
  control.close(1);
  const found: number[] = [];
  b.drain((object) => found.push(object));
  a.drain((object) => found.push(object));
  expect(found).toEqual([4, 5]);
});

test("after a reset the boxes are as new", () => {
  const { control, a, b } = pair();
  control.close(0);
  control.close(1);
  control.reset();
  expect(a.send(1, [3])).toBe(true);
  expect(b.hasMail(0)).toBe(true);
});
