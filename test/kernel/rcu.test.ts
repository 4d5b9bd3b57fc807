/** RCU and the allocators: slabs that outlive their readers, objects freed later, caches that wait. */

import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { EBUSY } from "../../src/caches/errno.ts";
import { SLAB_TYPESAFE_BY_RCU } from "../../src/caches/flags.ts";
import { withLedger } from "../../src/check/with-ledger.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { attach, type Kernel, systemOf } from "../../src/kernel/kernel.ts";
import type { System } from "../../src/kernel/system.ts";
import type { Address } from "../../src/machine/memory.ts";
import { Page, PG_SLAB } from "../../src/pages/page.ts";
import { failureOf, watched } from "../check/systems.ts";
import { runExample } from "../docs/run-example.ts";

const FORMS = [
  { allocator: "slub", kernel: "4.1" },
  { allocator: "slab", kernel: "4.1" },
  { allocator: "slab", kernel: "6.1" },
] as const satisfies readonly BootOptions[];

const SIZE = 256;
const MARK = 0x600d_600d;

/** A system, a cache with a constructor, and a reader that is about to read as CPU 1. */
function system(form: BootOptions, flags: number) {
  const it = watched({ ...form, cpus: 2 });
  const { kernel } = it;
  const reader = attach(kernel.shared, { change: withLedger });
  const [ctor = 0] = [kernel, reader].map((thread) =>
    thread.registerConstructor((object) => {
      for (let at = 0; at < SIZE; at += 4) systemOf(thread).memory.write32(object + at, MARK);
    }),
  );
  const s = kernel.kmemCacheCreate("tested", SIZE, { ctor, flags });
  return { ...it, s, reader };
}

function take(kernel: Kernel, s: number, count: number): Address[] {
  return kernel.run(() => Array.from({ length: count }, () => kernel.kmemCacheAlloc(s)), 0);
}

/** More objects than a CPU, a node and their queues keep: slabs go back when they are freed. */
const MANY = 2000;

function freeAll(kernel: Kernel, s: number, objects: readonly Address[]): void {
  kernel.run(() => {
    for (const object of objects) kernel.kmemCacheFree(s, object);
  }, 0);
}

function isSlab({ memory, pages }: System, object: Address): boolean {
  return (memory.read32(pages.virtToHeadPage(object) + Page.flags) & PG_SLAB) !== 0;
}

function words({ memory }: System, object: Address): number[] {
  return Array.from({ length: SIZE / 4 }, (_, i) => memory.read32(object + 4 * i));
}

/** The bytes that the constructor wrote. */
const CONSTRUCTED = Array.from({ length: SIZE / 4 }, () => MARK);

describe.each(FORMS)("$allocator of $kernel: SLAB_TYPESAFE_BY_RCU", (form) => {
  test("a slab outlives the readers that were there when it was given back", () => {
    const { kernel, reader, s } = system(form, SLAB_TYPESAFE_BY_RCU);
    const objects = take(kernel, s, MANY);
    reader.run(() => {
      reader.rcuReadLock();
      freeAll(kernel, s, objects);
      for (let i = 0; i < 3; i++) kernel.run(() => undefined, 0);
      expect(objects.every((object) => isSlab(systemOf(kernel), object))).toBe(true);
      for (const object of objects.slice(0, 100)) {
        expect(words(systemOf(kernel), object)).toEqual(CONSTRUCTED);
      }
      reader.rcuReadUnlock();
    }, 1);
    kernel.rcuBarrier();
    expect(objects.some((object) => !isSlab(systemOf(kernel), object))).toBe(true);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });

  test("without the flag a slab does not outlive its readers: the check can fail", () => {
    const { kernel, reader, s } = system(form, 0);
    const objects = take(kernel, s, MANY);
    reader.run(() => {
      reader.rcuReadLock();
      freeAll(kernel, s, objects);
      expect(objects.some((object) => !isSlab(systemOf(kernel), object))).toBe(true);
      reader.rcuReadUnlock();
    }, 1);
  });

  test("an object is used again at once, reader or not, and is as it was made", () => {
    const { kernel, reader, s } = system(form, SLAB_TYPESAFE_BY_RCU);
    const [object = 0] = take(kernel, s, 1);
    reader.run(() => {
      reader.rcuReadLock();
      kernel.run(() => kernel.kmemCacheFree(s, object), 0);
      expect(words(systemOf(reader), object)).toEqual(CONSTRUCTED);
      expect(take(kernel, s, 1)).toEqual([object]);
      expect(words(systemOf(reader), object)).toEqual(CONSTRUCTED);
      reader.rcuReadUnlock();
    }, 1);
  });
});

describe.each(FORMS)("$allocator of $kernel: kfreeRcu", (form) => {
  test("frees the object when the readers are done, not before", () => {
    const { kernel, reader, ledger, s } = system(form, 0);
    const [object = 0] = take(kernel, s, 1);
    reader.run(() => {
      reader.rcuReadLock();
      kernel.run(() => kernel.kfreeRcu(object), 0);
      for (let i = 0; i < 3; i++) kernel.run(() => undefined, 0);
      expect(ledger.isLive(object)).toBe(true);
      reader.rcuReadUnlock();
    }, 1);
    kernel.rcuBarrier();
    expect(ledger.isLive(object)).toBe(false);
  });

  test("a cache that is destroyed waits for those under way, not for objects in use", () => {
    const { kernel, s, findings } = system(form, SLAB_TYPESAFE_BY_RCU);
    const [last = 0, ...objects] = take(kernel, s, 50);
    expect(
      kernel.run(() => {
        for (const object of objects) kernel.kfreeRcu(object);
        return kernel.kmemCacheDestroy(s);
      }, 0),
    ).toBe(-EBUSY);
    kernel.kfreeRcu(last);
    kernel.kfreeRcu(0);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
    expect(findings()).toEqual([]);
  });

  test("whole pages are freed as well", () => {
    const { kernel } = system(form, 0);
    const free = systemOf(kernel).pages.freePagesTotal();
    const large = kernel.kmalloc(200_000);
    if (form.allocator === "slub")
      expect(systemOf(kernel).pages.freePagesTotal()).toBeLessThan(free);
    kernel.kfreeRcu(large);
    kernel.rcuBarrier();
    kernel.run(() => {
      for (const s of systemOf(kernel).common.caches()) kernel.kmemCacheShrink(s);
    });
    expect(systemOf(kernel).pages.freePagesTotal()).toBeGreaterThanOrEqual(free);
  });
});

test("a read-side section is part of a section: a reader is a CPU", () => {
  const { kernel } = system({}, 0);
  expect(() => kernel.rcuReadLock()).toThrow("rcu_read_lock outside of a section");
});

test("a call that waits for readers is refused in a read-side section, which goes on", () => {
  const { kernel, reader, s } = system({}, SLAB_TYPESAFE_BY_RCU);
  const [object = 0] = take(kernel, s, 1);
  reader.run(() => {
    reader.rcuReadLock();
    kernel.run(() => kernel.kfreeRcu(object), 0);
    for (const wait of [
      () => reader.synchronizeRcu(),
      () => reader.rcuBarrier(),
      () => reader.kmemCacheDestroy(s),
      () => reader.cpuDown(0),
      () => reader.nodeOffline(0),
    ]) {
      expect(failureOf(wait), String(wait)).toBe("deadlock");
    }
    expect(reader.kmemCacheAlloc(s)).not.toBe(object);
    reader.rcuReadUnlock();
  }, 1);
  reader.rcuBarrier();
});

test("a read-side section is closed once", () => {
  const { kernel } = system({}, 0);
  kernel.run(() => {
    expect(failureOf(() => kernel.rcuReadUnlock())).toBe("lock-not-held");
    kernel.rcuReadLock();
    kernel.rcuReadUnlock();
    expect(failureOf(() => kernel.rcuReadUnlock())).toBe("lock-not-held");
    kernel.synchronizeRcu();
  });
});

describe("the lookup of docs/rcu.md on three threads", () => {
  async function run(change: (example: string) => string): Promise<string> {
    const page = await readFile(new URL("../../docs/rcu.md", import.meta.url), "utf8");
    const [, example = ""] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
    return (await runExample(change(example))).stdout;
  }

  test("finds no wrong entry, as printed, and the cache can be destroyed", async () => {
    const stdout = await run((example) => example);
    expect(stdout).toBe("0 wrong entries found; the cache is destroyed\n");
  });

  test("without looking again it finds wrong ones: the check can fail", async () => {
    // Readers go on until they have found one, and the entry is replaced until both have: however
    // the machine shares its cores out.
    const changes = {
      "Atomics.load(words, KEY) === key)": "true)",
      "i < ROUNDS; i++) {\n    const key": "wrong === 0; i++) {\n    const key",
      "return wrong;": "Atomics.add(table, 1, 1);\n  return wrong;",
      "i < ROUNDS; i++) {\n    const object":
        "Atomics.load(table, 1) < 2; i++) {\n    const object",
    };
    const stdout = await run((example) =>
      Object.entries(changes).reduce((text, [printed, changed]) => {
        expect(text).toContain(printed);
        return text.replace(printed, changed);
      }, example),
    );
    expect(stdout).toBe("2 wrong entries found; the cache is destroyed\n");
  });
});
