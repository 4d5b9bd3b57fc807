/** A process that is asked to end tells what it has found so far. */
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { interruptible } from "../../src/cli/common.ts";
import { started } from "./commands.ts";

const SIGNALS = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const;

test.each(SIGNALS)("%s stops the work, whose answer goes on with code %i", async (name, code) => {
  const before = process.listenerCount(name);
  const { result, interruptedCode } = await interruptible(async (signal) => {
    process.emit(name);
    return signal.aborted;
  });
  expect({ result, interruptedCode }).toEqual({ result: true, interruptedCode: code });
  expect(process.listenerCount(name)).toBe(before);
});

test("a terminal that hangs up twice is one request", async () => {
  const { result } = await interruptible(async (signal) => {
    process.emit("SIGHUP");
    process.emit("SIGHUP");
    return signal.aborted;
  });
  expect(result).toBe(true);
});

/** The progress line is for terminals; it shows that the work has begun. */
const terminal = ["--import", "data:text/javascript,process.stderr.isTTY=true"];

test.each([
  [
    ["stress", "--seconds", "60", "--memory", "16M"],
    "SIGINT",
    130,
    /this is what was done[\s\S]*Checks/,
  ],
  [["explore", "two-cpus", "--seconds", "60"], "SIGTERM", 143, /interrupted/],
] as const)("%j prints its partial answer on %s", async (args, signal, exitCode, part) => {
  const child = started([...args], terminal);
  child.stdin.end();
  child.stderr.once("data", () => child.kill(signal));
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  expect(code).toBe(exitCode);
  expect(out).toMatch(part);
});

/** Asks the process to end as soon as it listens. */
const atOnce =
  'process.on("newListener", (name) => { if (name === "SIGTERM") setImmediate(() => process.emit("SIGTERM")); });';

test("top --once shows the caches however soon it is ended", async () => {
  const preload = `data:text/javascript,${encodeURIComponent(atOnce)}`;
  const child = started(["top", "--once", "--seconds", "60"], ["--import", preload]);
  child.stdin.end();
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  expect(code).toBe(143);
  expect(out).toContain("kmalloc-");
});
