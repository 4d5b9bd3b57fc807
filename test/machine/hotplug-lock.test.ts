import { expect, test } from "vitest";
import { boot, systemOf } from "../../src/kernel/kernel.ts";
import { bury } from "../../src/machine/burial.ts";
import {
  HotplugLock,
  holdOff,
  hotplugBegin,
  hotplugDone,
  letGo,
} from "../../src/machine/hotplug-lock.ts";
import { mutexTrylock } from "../../src/machine/mutex.ts";
import { newMachine, observe } from "./machines.ts";

const kernel = boot({ cpus: 1 });
const { memory } = systemOf(kernel);
const at = systemOf(kernel).common.cpuHotplugLock;
const count = (readers: number) => readers & 0xff;
const readers = () => count(memory.read32(at + HotplugLock.readers));

test("several readers hold a change off at once, each counted", () => {
  kernel.run(() => {
    holdOff(memory, at);
    holdOff(memory, at);
    expect(readers()).toBe(2);
    letGo(memory, at);
    letGo(memory, at);
    expect(readers()).toBe(0);
  });
});

test("no reader enters while a writer changes something", () => {
  kernel.run(() => {
    hotplugBegin(memory, at);
    expect(mutexTrylock(memory, at + HotplugLock.mutex)).toBe(false);
    hotplugDone(memory, at);
    holdOff(memory, at);
    expect(readers()).toBe(1);
    letGo(memory, at);
  });
});

test("a writer waits for the last reader", () => {
  const seen: number[] = [];
  const waiting = Object.create(memory, {
    waitWhile: {
      value: (address: number, value: number) => {
        expect(address).toBe(at + HotplugLock.readers);
        seen.push(value);
        letGo(memory, at);
      },
    },
  });
  kernel.run(() => {
    holdOff(memory, at);
    holdOff(memory, at);
    hotplugBegin(waiting, at);
    expect(seen.map(count)).toEqual([2, 1]);
    hotplugDone(memory, at);
  });
});

test("a dead last reader is named in the report", () => {
  const shared = newMachine({ cpus: 2 });
  const alive = observe(shared);
  const dead = observe(shared);
  alive.memory.enterCpu(0);
  dead.memory.enterCpu(1);
  holdOff(dead.memory, dead.scratch);
  bury(alive.machine, dead.memory.current());
  expect(() => hotplugBegin(alive.memory, alive.scratch)).toThrow(
    `deadlock: held by dead CPU 1 (task ${dead.memory.current()})`,
  );
});
