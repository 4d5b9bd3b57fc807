import { expect, test } from "vitest";
import { BATCH, Exchange } from "../../stress/scaling/exchange.ts";
import { controlOf } from "./player-contexts.ts";

function pair() {
  const control = controlOf(2);
  const [a, b] = [0, 1].map((cpu) => new Exchange<number>(control, cpu, undefined));
  return { control, a: a as Exchange<number>, b: b as Exchange<number> };
}

test("a batch arrives once, in order, at its receiver only", () => {
  const { a, b } = pair();
  expect(b.hasMail(0)).toBe(false);
  a.send(1, [7, 8, 9]);
  expect(a.hasMail(1)).toBe(false);
  expect(b.hasMail(0)).toBe(true);
  const batch: number[] = [];
  expect(b.receive(0, batch)).toBe(3);
  expect(batch).toEqual([7, 8, 9]);
  expect(b.hasMail(0)).toBe(false);
});

test("a full ring has room again when a batch was taken, and keeps its order around its end", () => {
  const { control, a, b } = pair();
  const batches = control.rings.objects / BATCH;
  const numbered = (n: number) => Array.from({ length: BATCH }, (_, i) => n * BATCH + i);
  const batch: number[] = [];
  for (let n = 0; n < batches; n++) {
    expect(a.hasRoom(1)).toBe(true);
    a.send(1, numbered(n));
  }
  expect(a.hasRoom(1)).toBe(false);
  for (let n = 0; n < 2 * batches; n++) {
    expect(b.hasMail(0)).toBe(true);
    expect(b.receive(0, batch)).toBe(BATCH);
    expect(batch).toEqual(numbered(n));
    expect(a.hasRoom(1)).toBe(true);
    a.send(1, numbered(batches + n));
  }
});

test("when a point ends nobody waits any more", () => {
  const { control, a, b } = pair();
  while (a.hasRoom(1)) a.send(1, new Array(BATCH).fill(1));
  control.rings.leave(0);
  control.rings.leave(1);
  // Not yet known to be over, and yet no one is there to wait for.
  control.rings.waitForReceiver(control.rings.ring(0, 1), 0);
  control.rings.waitForSender(control.rings.ring(1, 0), 0);
  control.finished();
  control.finished();
  expect(control.stopped).toBe(true);
  a.waitForRoom(1);
  b.waitForMail(1);
});

test("what is under way when a point ends is found by its receiver", () => {
  const { control, a, b } = pair();
  a.send(1, [4, 5]);
  control.rings.leave(0);
  a.send(1, [6]);
  control.rings.leave(1);
  const found: number[] = [];
  b.drain((object) => found.push(object));
  a.drain((object) => found.push(object));
  expect(found).toEqual([4, 5, 6]);
});

test("drained rings are as new for the next exchange", () => {
  const { control, a, b } = pair();
  a.send(1, [2]);
  control.rings.leave(0);
  control.rings.leave(1);
  b.drain(() => undefined);
  a.drain(() => undefined);
  const [c, d] = [0, 1].map((cpu) => new Exchange<number>(control, cpu, undefined));
  expect(d?.hasMail(0)).toBe(false);
  c?.send(1, [3]);
  expect(d?.hasMail(0)).toBe(true);
});
