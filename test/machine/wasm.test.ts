import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { assemble } from "../../scripts/build-wasm.ts";

const machine = new URL("../../src/machine/", import.meta.url);
const wat = await readFile(new URL("atomics.wat", machine), "utf8");
const checkedIn = await readFile(new URL("atomics.wasm.ts", machine), "utf8");

test("the checked-in wasm is what atomics.wat assembles to", async () => {
  expect(await assemble(wat)).toBe(checkedIn);
});

test("a change of one instruction in the wat would be seen", async () => {
  expect(wat).toContain("i32.atomic.rmw.add");
  const changed = wat.replace("i32.atomic.rmw.add", "i32.atomic.rmw.sub");
  expect(await assemble(changed)).not.toBe(checkedIn);
});

test("a wat that does not type-check is refused", async () => {
  await expect(assemble("(module (func (result i32)))")).rejects.toThrow(WebAssembly.CompileError);
});
