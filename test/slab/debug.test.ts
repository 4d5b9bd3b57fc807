/** CONFIG_DEBUG_SLAB: what is said about objects that were misused. */
import { beforeEach, describe, expect, test } from "vitest";
import type { KmemCachePtr } from "../../src/caches/kmem-cache.ts";
import { digits } from "../../src/caches/pointer-text.ts";
import { boot, type Kernel, MIB, systemOf } from "../../src/kernel/kernel.ts";
import { failureOf } from "../check/systems.ts";

describe.each(["4.1", "6.1"] as const)("DEBUG_SLAB of %s", (version) => {
  let kernel: Kernel;
  let said: string[];
  let s: KmemCachePtr;

  beforeEach(() => {
    kernel = boot({
      cpus: 1,
      memory: 8 * MIB,
      allocator: "slab",
      kernel: version,
      config: ["DEBUG_SLAB"],
    });
    said = [];
    systemOf(kernel).machine.console.sink = (line) => said.push(line);
    s = kernel.kmemCacheCreate("watched", 100);
  });

  function take(count = 1): number[] {
    return kernel.run(() => Array.from({ length: count }, () => kernel.kmemCacheAlloc(s)));
  }

  function give(objects: readonly number[]): void {
    kernel.run(() => {
      for (const object of objects) kernel.kmemCacheFree(s, object);
    });
  }

  const text = () => said.join("\n");

  test("nothing is said of a program that does no wrong", () => {
    for (let round = 0; round < 5; round++) {
      const objects = take(200);
      for (const object of objects) systemOf(kernel).memory.fill(object, round, 100);
      give(objects);
    }
    kernel.run(() => kernel.kmemCacheDestroy(s));
    expect(said).toEqual([]);
  });

  test("bytes written behind an object are found when it is freed", () => {
    const [object = 0] = take();
    systemOf(kernel).memory.write8(object + 104, 0x12);
    give([object]);
    expect(text()).toContain(
      "slab error in verify_redzone_free(): cache `watched': memory outside object was overwritten",
    );
    const stop = version === "4.1" ? "." : "";
    expect(text()).toMatch(
      new RegExp(
        `^[0-9a-f]{16}: redzone 1:0xd84156c5635688c0, redzone 2:0x[0-9a-f]+12${stop.replace(".", "\\.")}$`,
        "m",
      ),
    );
  });

  test("bytes written before an object are found when it is freed", () => {
    const [object = 0] = take();
    systemOf(kernel).memory.write8(object - 1, 0);
    give([object]);
    expect(text()).toContain("memory outside object was overwritten");
  });

  test("a free object that was written to is shown, with its last user and its neighbours", () => {
    const objects = take(3);
    const [, middle = 0] = objects;
    give(objects);
    systemOf(kernel).memory.write8(middle + 37, 0x6a);
    take(3);
    expect(text()).toContain(
      `Slab corruption (Not tainted): watched start=${digits(middle)}, len=100`,
    );
    expect(text()).toMatch(/^Last user: .*debug\.test\.ts/m);
    expect(text()).toMatch(/^020: 6b 6b 6b 6b 6b 6a 6b/m);
    expect(text()).toContain("Single bit error detected. Probably bad RAM.\nRun memtest86+");
    expect(text()).toContain("Prev obj: start=");
    expect(text()).toContain("Next obj: start=");
  });

  test("several wrong bits are no decay of memory", () => {
    const [object = 0] = take();
    give([object]);
    systemOf(kernel).memory.write8(object, 0);
    take();
    expect(text()).toContain("Slab corruption");
    expect(text()).not.toContain("Single bit error");
  });

  test("freeing twice is seen by both red zones, names the cache, and harms nothing", () => {
    const [object = 0] = take();
    give([object]);
    expect(failureOf(() => give([object]))).toBe("double-free");
    expect(() => give([object])).toThrow(
      /slab error in verify_redzone_free\(\): cache `watched': double free detected[\s\S]*Last user/,
    );
    expect(systemOf(kernel).memory.irqsDisabled()).toBe(false);
    expect(new Set(take(50)).size).toBe(50);
  });

  test("a bulk free that is refused has freed what came before, and left what comes behind", () => {
    const [a = 0, b = 0, twice = 0, behind = 0] = take(4);
    give([twice]);
    const free = (objects: number[]) =>
      kernel.run(() => kernel.kmemCacheFreeBulk(s, objects.length, objects));
    expect(failureOf(() => free([a, b, twice, behind]))).toBe("double-free");
    expect(systemOf(kernel).memory.irqsDisabled()).toBe(false);
    expect(take(2)).toEqual([b, a]);
    said.length = 0;
    give([a, b, behind]);
    expect(said).toEqual([]);
  });

  test("an object that is freed in bulk to another cache is still in use", () => {
    const other = kernel.kmemCacheCreate("other", 200);
    const [object = 0] = take();
    expect(failureOf(() => kernel.run(() => kernel.kmemCacheFreeBulk(other, 1, [object])))).toBe(
      "wrong-slab",
    );
    give([object]);
    expect(said).toEqual([]);
  });

  test("a pointer into an object is no object", () => {
    const [object = 0] = take();
    expect(failureOf(() => give([object + 8]))).toBe("bad-access");
    give([object]);
  });

  test("a slab that goes is looked over once more", () => {
    const objects = take(20);
    give(objects);
    systemOf(kernel).memory.write8((objects[3] as number) + 50, 1);
    systemOf(kernel).memory.write8((objects[5] as number) - 2, 1);
    kernel.run(() => kernel.kmemCacheShrink(s));
    expect(text()).toContain("Slab corruption");
    expect(text()).toContain("start of a freed object was overwritten");
  });

  test("new objects are filled with 5a, free ones with 6b", () => {
    const [object = 0] = take();
    expect(systemOf(kernel).memory.findOther(object, 0x5a, 99)).toBe(0);
    give([object]);
    expect(systemOf(kernel).memory.read8(object + 60)).toBe(0x6b);
    expect(systemOf(kernel).memory.read8(object + 99)).toBe(0xa5);
  });
});
