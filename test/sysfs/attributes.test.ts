/** The files of /sys/kernel/slab/<cache>/: their text, the values that they accept and refuse. */
import { describe, expect, test } from "vitest";
import { EBUSY, EINVAL, EIO, ENOENT, ENOSYS, ERANGE } from "../../src/caches/errno.ts";
import { SLAB_POISON, SLAB_STORE_USER } from "../../src/caches/flags.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { attach, boot, type Kernel, systemOf, threadOf } from "../../src/kernel/kernel.ts";
import { mutexLock } from "../../src/machine/mutex.ts";
import { TorturedMemory } from "../../src/machine/tortured-memory.ts";
import { KmemCache, ooObjects } from "../../src/slub/structs.ts";
import { SlabSysfs } from "../../src/sysfs/sysfs.ts";

const UNMERGED = { slab_nomerge: true };

interface Shown {
  readonly kernel: Kernel;
  readonly s: number;
  read(file: string): string | number;
  write(file: string, text: string): number;
}

function shown(size: number, flags = 0, options: BootOptions = {}): Shown {
  const kernel = boot({ kernel: "4.1", cpus: 2, parameters: UNMERGED, ...options });
  const s = kernel.kmemCacheCreate("shown", size, { flags });
  const sysfs = new SlabSysfs(systemOf(kernel));
  return {
    kernel,
    s,
    read: (file) => kernel.run(() => sysfs.read("shown", file), 0),
    write: (file, text) => kernel.run(() => sysfs.write("shown", file, text), 0),
  };
}

describe("ctor", () => {
  test("is the constructor's name, its number where it has none, or nothing", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1, parameters: UNMERGED });
    const sysfs = new SlabSysfs(systemOf(kernel));
    const ctorOf = (name: string, ctor: number) => {
      kernel.kmemCacheCreate(name, 64, { ctor });
      return kernel.run(() => sysfs.read(name, "ctor"));
    };
    function initOnce(): void {}
    expect(ctorOf("named", kernel.registerConstructor(initOnce))).toBe("initOnce+0x0\n");
    const number = kernel.registerConstructor(() => undefined);
    expect(ctorOf("unnamed", number)).toBe(`function_${number}+0x0\n`);
    expect(ctorOf("without", 0)).toBe("");
  });
});

describe("counts", () => {
  test("are shown by node and by CPU, without shares that are zero", () => {
    const { kernel, s, read } = shown(256, 0, { nodes: 2 });
    const objects: number[] = [];
    kernel.run(() => {
      for (let i = 0; i < 20; i++) objects.push(kernel.kmemCacheAlloc(s));
    }, 1);
    expect(read("slabs")).toBe("2 N1=2\n");
    expect(read("objects")).toBe("32 N1=32\n");
    expect(read("cpu_slabs")).toBe("1 N1=1\n");
    expect(read("alloc_slowpath")).toBe("2 C1=2\n");
    expect(read("alloc_fastpath")).toBe("18 C1=18\n");
    // The first slab was full; one object of it comes back on the other CPU.
    kernel.run(() => kernel.kmemCacheFree(s, objects[0] as number), 0);
    expect(read("slabs_cpu_partial")).toBe("1(1) C0=1(1)\n");
    expect(read("free_slowpath")).toBe("1 C0=1\n");
    expect(read("partial")).toBe("0\n");
    expect(read("order_fallback")).toBe("0\n");
  });

  test("of events are unsigned, and more than 2^31 of them no less", () => {
    const { kernel, s, read } = shown(256);
    const { observer, memory } = systemOf(kernel);
    memory.add(observer.statWords(s, 0), 2 ** 31 + 3);
    memory.add(observer.statWords(s, 1), 2 ** 31);
    expect(read("alloc_fastpath")).toBe("4294967299 C0=2147483651 C1=2147483648\n");
  });

  test("of events are cleared while other CPUs run", () => {
    const kernel = boot(
      { kernel: "4.1", cpus: 2, parameters: UNMERGED },
      { memoryClass: TorturedMemory },
    );
    const s = kernel.kmemCacheCreate("shown", 256);
    const sysfs = new SlabSysfs(systemOf(kernel));
    kernel.run(() => kernel.kmemCacheFree(s, kernel.kmemCacheAlloc(s)), 1);
    threadOf(attach(kernel.shared)).enterCpu(1);
    expect(kernel.run(() => sysfs.write("shown", "alloc_slowpath", "0"), 0)).toBe(0);
    expect(kernel.run(() => sysfs.read("shown", "alloc_slowpath"), 0)).toBe("0\n");
  });

  test("of slabs of the least order say that no larger pages were left", () => {
    const { kernel, s, read } = shown(1000, 0, { failPages: { times: 0 } });
    expect([read("order"), read("objs_per_slab")]).toEqual(["2\n", "16\n"]);
    kernel.debug.failPages?.arm({ minOrder: 1 });
    kernel.run(() => kernel.kmemCacheAlloc(s), 0);
    expect(read("order_fallback")).toBe("1 C0=1\n");
    expect(read("total_objects")).toBe("4 N0=4\n");
  });

  test("of partial slabs follow a shrink", () => {
    const { kernel, s, read, write } = shown(256);
    for (let i = 0; i < 5; i++) kernel.kmemCacheAlloc(s);
    expect(write("shrink", "1\n")).toBe(0);
    expect(read("partial")).toBe("1 N0=1\n");
    expect(read("objects_partial")).toBe("5 N0=5\n");
    expect(read("objects")).toBe("5 N0=5\n");
    expect(read("total_objects")).toBe("16 N0=16\n");
  });
});

describe("writing", () => {
  test("order takes what the boot parameters allow, and new slabs follow it", () => {
    const { kernel, s, read, write } = shown(256);
    const before = kernel.kmemCacheAlloc(s);
    expect(write("order", "2\n")).toBe(0);
    expect(read("order")).toBe("2\n");
    expect(read("objs_per_slab")).toBe("64\n");
    for (let i = 0; i < 16; i++) kernel.kmemCacheAlloc(s);
    expect(read("total_objects")).toBe("80 N0=80\n");
    kernel.kmemCacheFree(s, before);
    for (const wrong of ["4", "-1", "x", "", "2 3"]) expect(write("order", wrong)).toBe(-EINVAL);
    expect(read("order")).toBe("2\n");
    // A validation has to have room for the most objects that a slab ever had.
    const most = () => ooObjects(systemOf(kernel).memory.read32(s + KmemCache.max));
    expect(most()).toBe(64);
    expect(write("order", "1\n")).toBe(0);
    expect([read("objs_per_slab"), most()]).toEqual(["32\n", 64]);
  });

  test("order is followed by what the page allocator is asked for", () => {
    const { kernel, s, write } = shown(256);
    expect(write("order", "3")).toBe(0);
    const objects = Array.from({ length: 200 }, () => kernel.kmemCacheAlloc(s));
    for (const object of objects) kernel.kmemCacheFree(s, object);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });

  test("an attribute that changes the layout is refused while objects are shuffled", () => {
    const { read, write } = shown(256, 0, { randomized: true });
    for (const file of ["order", "red_zone", "poison", "store_user"]) {
      const before = read(file);
      expect(write(file, "1")).toBe(-EBUSY);
      expect(read(file)).toBe(before);
    }
  });

  test("min_partial is brought into its range", () => {
    const { read, write } = shown(256);
    for (const [wanted, kept] of [
      ["0", "5\n"],
      ["7", "7\n"],
      ["100", "10\n"],
      ["0", "5\n"],
      ["3000000000", "10\n"],
    ] as const) {
      expect(write("min_partial", wanted)).toBe(0);
      expect(read("min_partial")).toBe(kept);
    }
    expect(write("min_partial", "99999999999999999999")).toBe(-ERANGE);
  });

  test("cpu_partial gives the lists back to the nodes; a debug cache takes only 0", () => {
    const { kernel, s, read, write } = shown(256);
    const objects = Array.from({ length: 32 }, () => kernel.kmemCacheAlloc(s));
    kernel.kmemCacheFree(s, objects[0] as number);
    expect(read("slabs_cpu_partial")).not.toBe("0(0)\n");
    expect(write("cpu_partial", "3000000000\n")).toBe(0);
    expect(read("cpu_partial")).toBe("3000000000\n");
    expect(write("cpu_partial", "2")).toBe(0);
    expect(read("cpu_partial")).toBe("2\n");
    expect(read("slabs_cpu_partial")).toBe("0(0)\n");
    const debug = shown(256, SLAB_POISON);
    expect(debug.write("cpu_partial", "2")).toBe(-EINVAL);
    expect(debug.write("cpu_partial", "0")).toBe(0);
  });

  test.each(["red_zone", "poison", "store_user"])(
    "%s lays objects out anew, unless there is a slab",
    (file) => {
      const { kernel, s, read, write } = shown(256);
      const plain = read("slab_size");
      expect(write(file, "1")).toBe(0);
      expect(read(file)).toBe("1\n");
      expect(read("slab_size")).not.toBe(plain);
      kernel.kmemCacheFree(s, kernel.kmemCacheAlloc(s));
      expect(write(file, "0")).toBe(-EBUSY);
      write("shrink", "1");
      kernel.kmemCacheShrink(s);
      expect(read("total_objects")).toBe("0\n");
      expect(write(file, "0")).toBe(0);
      expect(read("slab_size")).toBe(plain);
      const object = kernel.kmemCacheAlloc(s);
      kernel.kmemCacheFree(s, object);
    },
  );

  test("sanity_checks and reclaim_account may change at any time", () => {
    const { kernel, s, read, write } = shown(256);
    const objects = Array.from({ length: 40 }, () => kernel.kmemCacheAlloc(s));
    for (const file of ["sanity_checks", "reclaim_account"]) {
      expect(write(file, "1")).toBe(0);
      expect(read(file)).toBe("1\n");
    }
    for (const object of objects) kernel.kmemCacheFree(s, object);
    expect(kernel.kmemCacheDestroy(s)).toBe(0);
  });

  test.each(["trace", "failslab"])("%s is refused while the cache is shared", (file) => {
    const { kernel, read, write } = shown(200, 0, { parameters: {} });
    expect(write(file, "1")).toBe(0);
    expect(write(file, "0")).toBe(0);
    kernel.kmemCacheCreate("another", 200);
    expect(write(file, "1")).toBe(-EINVAL);
    expect(read(file)).toBe("0\n");
  });

  test("remote_node_defrag_ratio is percent, and more than 100 changes nothing", () => {
    const { read, write } = shown(256);
    expect(read("remote_node_defrag_ratio")).toBe("100\n");
    expect(write("remote_node_defrag_ratio", "37")).toBe(0);
    expect(read("remote_node_defrag_ratio")).toBe("37\n");
    expect(write("remote_node_defrag_ratio", "101")).toBe(0);
    expect(read("remote_node_defrag_ratio")).toBe("37\n");
  });

  test("0 clears a counter, anything else is refused", () => {
    const { kernel, s, read, write } = shown(256);
    kernel.kmemCacheAlloc(s);
    expect(write("alloc_slowpath", "1")).toBe(-EINVAL);
    expect(read("alloc_slowpath")).toBe("1 C0=1\n");
    expect(write("alloc_slowpath", "0\n")).toBe(0);
    expect(read("alloc_slowpath")).toBe("0\n");
  });

  test("shrink and validate take 1 only, and read empty", () => {
    const { read, write } = shown(256, SLAB_POISON | SLAB_STORE_USER);
    for (const file of ["shrink", "validate"]) {
      expect(read(file)).toBe("");
      expect(write(file, "1")).toBe(0);
      expect(write(file, "0")).toBe(-EINVAL);
    }
  });

  test("a write to a read-only file is -EIO, a file that does not exist -ENOENT", () => {
    const { read, write } = shown(256);
    for (const file of ["slab_size", "objects", "aliases", "cache_dma", "ctor"]) {
      expect(write(file, "1")).toBe(-EIO);
    }
    expect(write("colour", "1")).toBe(-ENOENT);
    expect(read("colour")).toBe(-ENOENT);
  });
});

describe("alloc_calls and free_calls", () => {
  test("are -ENOSYS where users are not tracked", () => {
    const { read } = shown(256);
    expect(read("alloc_calls")).toBe(-ENOSYS);
    expect(read("free_calls")).toBe(-ENOSYS);
  });

  test("name the callers that hold objects", () => {
    const { kernel, s, read } = shown(256, SLAB_STORE_USER);
    expect(read("alloc_calls")).toBe("No data\n");
    for (let i = 0; i < 3; i++) kernel.kmemCacheAlloc(s);
    expect(read("alloc_calls")).toMatch(/^ {6}3 \S+/);
  });
});

describe("names", () => {
  test("a link shows the directory it leads to", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1 });
    kernel.kmemCacheCreate("first", 200);
    kernel.kmemCacheCreate("second", 197);
    const sysfs = new SlabSysfs(systemOf(kernel));
    expect(kernel.run(() => sysfs.directoryOf("second"))).toBe(":t-0000200");
    for (const name of ["first", "second", ":t-0000200"]) {
      expect(kernel.run(() => sysfs.read(name, "aliases"))).toBe("1\n");
    }
    expect(kernel.run(() => sysfs.cacheOf("third"))).toBeUndefined();
  });

  test("are read while no cache comes or goes", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1 });
    const sysfs = new SlabSysfs(systemOf(kernel));
    kernel.run(() => {
      mutexLock(systemOf(kernel).memory, systemOf(kernel).common.slabMutex);
      expect(() => sysfs.read("kmalloc-64", "aliases")).toThrow("CPU 0 waits for itself");
    });
  });

  test("SLAB's caches have none", () => {
    const kernel = boot({ kernel: "4.1", cpus: 1, allocator: "slab" });
    const sysfs = new SlabSysfs(systemOf(kernel));
    expect(kernel.run(() => sysfs.names())).toEqual([]);
    expect(sysfs.files()).toEqual([]);
  });
});
