/** A kernel in a region of a program's own memory, and what leads a thread to it. */
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import wabt from "wabt";
import { audit } from "../../src/check/audit.ts";
import { AttachError, attach, boot, MIB } from "../../src/kernel/index.ts";
import { systemOf } from "../../src/kernel/kernel.ts";

const OFFSET = 3 * MIB + 4096;
const LENGTH = 24 * MIB;

function ownMemory(): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: 512, maximum: 65_536, shared: true });
  new Uint8Array(memory.buffer).fill(0xa5);
  return memory;
}

const isUntouched = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0xa5);

test.each([
  { allocator: "slub", kernel: "4.1" },
  { allocator: "slub", kernel: "7.1", cpus: 3, nodes: 2 },
  { allocator: "slab", kernel: "6.1", swap: "atomics" },
  { allocator: "slab", kernel: "4.1", initOnFree: true, nodes: 2 },
] as const)("all memory outside of the region stays as it is: %o", (form) => {
  const buffer = ownMemory();
  const kernel = boot({ memory: { buffer, offset: OFFSET, length: LENGTH }, ...form });
  const other = attach({ buffer, offset: OFFSET });
  const s = kernel.kmemCacheCreate("in the region", 700);
  const held: number[] = [];
  for (let i = 0; i < 3000; i++) {
    const object = i % 3 === 0 ? kernel.kmemCacheAlloc(s) : other.kzalloc((i * 37) % 9000);
    if (object === 0) continue;
    expect(object).toBeGreaterThan(OFFSET);
    held.push(object);
    if (i % 2 === 0) kernel.kfree(held.splice(i % held.length, 1)[0] as number);
  }
  const end = OFFSET + LENGTH;
  for (const object of held) {
    const view = other.view8(object);
    expect(view.byteOffset + view.byteLength).toBeLessThanOrEqual(end);
    view.fill(7);
    kernel.kfree(object);
  }
  expect(kernel.kmalloc(LENGTH)).toBe(0);
  expect(audit(systemOf(kernel))).toEqual([]);
  const bytes = new Uint8Array(buffer.buffer);
  expect(isUntouched(bytes.subarray(0, OFFSET))).toBe(true);
  expect(isUntouched(bytes.subarray(end))).toBe(true);
});

/** A module with data and a stack of its own: it copies its text into what malloc gives, twice as large each time. */
const MODULE = `(module
  (import "own" "memory" (memory 1 65536 shared))
  (import "pool" "malloc" (func $malloc (param i32) (result i32)))
  (import "pool" "realloc" (func $realloc (param i32 i32) (result i32)))
  (import "pool" "free" (func $free (param i32)))
  (global $stack (mut i32) (i32.const 65536))
  (data (i32.const 1024) "data of its own")
  (func (export "copy") (param $times i32) (result i32)
    (local $text i32) (local $size i32)
    (global.set $stack (i32.sub (global.get $stack) (i32.const 16)))
    (local.set $size (i32.const 15))
    (local.set $text (call $malloc (local.get $size)))
    (memory.copy (local.get $text) (i32.const 1024) (i32.const 15))
    (loop $again
      (i32.store (global.get $stack) (local.get $size))
      (local.set $size (i32.shl (local.get $size) (i32.const 1)))
      (local.set $text (call $realloc (local.get $text) (local.get $size)))
      (memory.copy
        (i32.add (local.get $text) (i32.load (global.get $stack)))
        (local.get $text) (i32.load (global.get $stack)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (global.set $stack (i32.add (global.get $stack) (i32.const 16)))
    (local.get $text))
  (func (export "drop") (param i32) (call $free (local.get 0))))`;

test("a module with data and a stack of its own allocates from a region of its memory", async () => {
  const { parseWat } = await wabt();
  const features = { threads: true, bulk_memory: true };
  const { buffer: binary } = parseWat("own.wat", MODULE, features).toBinary({});
  const memory = ownMemory();
  const kernel = boot({ cpus: 1, memory: { buffer: memory, offset: OFFSET, length: LENGTH } });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(binary)), {
    own: { memory },
    pool: {
      malloc: (size: number) => kernel.kmalloc(size),
      realloc: (object: number, size: number) => kernel.krealloc(object, size),
      free: (object: number) => kernel.kfree(object),
    },
  });
  const { copy, drop } = instance.exports as Record<"copy" | "drop", (n: number) => number>;
  kernel.run(() => {
    const text = copy(6);
    expect(kernel.readString(text).slice(0, 15 * 64)).toBe("data of its own".repeat(64));
    drop(text);
    expect(() => drop(4)).not.toThrow();
    expect(() => drop(1024)).toThrow(/is no object/);
  });
  expect(audit(systemOf(kernel))).toEqual([]);
  expect(new Uint8Array(memory.buffer, 1024, 4)).toEqual(
    Uint8Array.from([..."data"], (c) => c.charCodeAt(0)),
  );
});

test("a region that does not fit is refused, and a memory that holds a kernel already", () => {
  const buffer = ownMemory();
  const region = (offset: number, length: number) => () =>
    boot({ cpus: 1, memory: { buffer, offset, length } });
  expect(region(100, LENGTH)).toThrow(/offset must be a multiple of 4096/);
  expect(region(-4096, LENGTH)).toThrow(/offset must be/);
  expect(region(16 * MIB, LENGTH)).toThrow(/are not in a memory of/);
  expect(region(0, 4096)).toThrow(/memory must be a whole number/);
  expect(isUntouched(new Uint8Array(buffer.buffer))).toBe(true);
  region(0, LENGTH)();
  expect(region(0, LENGTH)).toThrow(/a kernel has been booted in this memory at 0: attach to it/);
});

test("a thread attaches to the memory alone: the options are in its header", () => {
  const kernel = boot({
    cpus: 2,
    memory: 16 * MIB,
    allocator: "slab",
    kernel: "6.1",
    config: ["DEBUG_SLAB"],
  });
  const { memory } = kernel.shared.machine;
  const object = kernel.kmalloc(100);
  for (const shared of [memory, memory.buffer, { buffer: memory }] as WebAssembly.Memory[]) {
    const other = attach(shared);
    expect(other.shared.options).toEqual(kernel.shared.options);
    expect(other.ksize(object)).toBe(kernel.ksize(object));
    other.kfree(other.kmalloc(5000));
  }
  kernel.kfree(object);
  expect(audit(systemOf(kernel))).toEqual([]);
});

test("a worker that is given nothing but the bytes allocates from the pool", async () => {
  const kernel = boot({ cpus: 2, memory: 16 * MIB });
  const index = new URL("../../src/kernel/index.ts", import.meta.url).href;
  const worker = new Worker(
    `import { parentPort, workerData } from "node:worker_threads";
     const { attach } = await import(${JSON.stringify(index)});
     const kernel = attach(workerData);
     parentPort.postMessage(kernel.kstrdup("from the worker"));`,
    { eval: true, workerData: kernel.shared.machine.memory.buffer },
  );
  const text = await new Promise<number>((resolve, reject) => {
    worker.once("message", resolve).once("error", reject);
  });
  expect(kernel.readString(text)).toBe("from the worker");
  await worker.terminate();
});

test("what holds no kernel of this version, these options and this size is refused in one line", () => {
  const kernel = boot({ cpus: 1, memory: 16 * MIB });
  const { machine, options } = kernel.shared;
  const bytes = new Uint8Array(machine.memory.buffer);
  const copy = (change: (words: Int32Array) => void, length = bytes.length) => {
    const buffer = new SharedArrayBuffer(length);
    new Uint8Array(buffer).set(bytes.subarray(0, length));
    change(new Int32Array(buffer));
    return () => attach(buffer);
  };
  const other = { machine, options: { ...options, allocator: "slab" as const } };
  const cases: readonly (readonly [() => unknown, RegExp])[] = [
    [() => attach(new SharedArrayBuffer(8 * MIB)), /no kernel has been booted in this memory at 0/],
    [() => attach(new SharedArrayBuffer(100)), /100 bytes hold no kernel at 0/],
    [copy(() => undefined, 8 * MIB), /the kernel has 16777216 bytes, and this memory has 8388608/],
    [copy((words) => (words[1] = 99)), /this memory has layout 99, of another version of slablab/],
    [copy((words) => (words[6] = 0)), /the first page of this memory was overwritten/],
    [() => attach(other), /was booted with other options/],
    [() => attach({} as never), /neither kernel.shared nor the shared memory of a kernel/],
    [() => attach(undefined as never), /undefined is neither/],
    [() => attach(new ArrayBuffer(8) as never), /neither/],
    [() => attach(new Uint8Array(machine.memory.buffer) as never), /neither/],
    [() => attach({ buffer: machine.memory, offset: 1 }), /offset must be a multiple of 4096/],
  ];
  const misspelt = { buffer: machine.memory, offest: 0 };
  expect(() => attach(misspelt)).toThrow('there is no option "offest"; there are buffer, offset');
  for (const [act, reason] of cases) {
    expect(act).toThrow(reason);
    expect(act).toThrow(AttachError);
  }
});
