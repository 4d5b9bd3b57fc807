import { describe, expect, test } from "vitest";
import { audit } from "../../../src/check/audit.ts";
import { Ledger, ledgerBytes } from "../../../src/check/ledger.ts";
import { withLedger } from "../../../src/check/with-ledger.ts";
import type { BootOptions } from "../../../src/kernel/boot-options.ts";
import { onSheaves } from "../../../src/kernel/classes.ts";
import { boot, type Kernel, MIB, systemOf } from "../../../src/kernel/kernel.ts";
import type { SheafClasses } from "../../../src/slub/kernels.ts";
import type { SheafSlub } from "../../../src/slub/sheaves/slub.ts";
import { Barn, CpuSheaves } from "../../../src/slub/sheaves/structs.ts";

const machine = { kernel: "7.1", cpus: 4, nodes: 2, memory: 64 * MIB } as const;

/** CPU 3, of node 1, frees 32 objects of node 0 and 5 of its own in one call; how many are left. */
function leftAfterBulkFree(options: BootOptions = {}): number {
  const kernel = boot({ ...machine, ...options });
  const s = kernel.kmemCacheCreate("bulk256", 256);
  const take = (count: number, cpu: number) =>
    kernel.run(() => Array.from({ length: count }, () => kernel.kmemCacheAlloc(s)), cpu);
  const mixed = [...take(5, 3), ...take(32, 0)];
  kernel.run(() => kernel.kmemCacheFreeBulk(s, mixed.length, mixed), 3);
  expect(audit(systemOf(kernel))).toEqual([]);
  kernel.kmemCacheShrink(s);
  return systemOf(kernel).observer.slabInfo(s).activeObjs;
}

describe("a bulk free on a CPU of another node", () => {
  test("frees the objects of its own node, too", () => {
    expect(leftAfterBulkFree()).toBe(0);
  });

  test("loses them as Linux 7.1.5 has it", () => {
    expect(leftAfterBulkFree({ era: "faithful" })).toBe(5);
  });
});

/** What the audit says of a machine on which objects have come and gone. */
function findings(change: (classes: SheafClasses) => Partial<SheafClasses>): string[] {
  const kernel = boot(machine, { change: onSheaves(change) });
  const s = kernel.kmemCacheCreate("audited256", 256);
  const objects: number[] = [];
  kernel.run(() => {
    for (let i = 0; i < 900; i++) objects.push(kernel.kmemCacheAlloc(s));
    for (const object of objects.splice(100)) kernel.kmemCacheFree(s, object);
  }, 0);
  return audit(systemOf(kernel)).map(({ failure }) => failure);
}

describe("the audit of sheaves", () => {
  test("has nothing to say of SLUB as it is", () => {
    expect(findings(() => ({}))).toEqual([]);
  });

  test("sees a barn that does not count a sheaf", () => {
    const found = findings((classes) => ({
      Barns: class extends classes.Barns {
        override putFull(barn: number, sheaf: number): void {
          super.putFull(barn, sheaf);
          this.miscount(barn);
        }

        private miscount(barn: number): void {
          this.memory.write32(barn + Barn.nrFull, this.nrFull(barn) - 1);
        }
      },
    }));
    expect(found).toContain("counter-drift");
  });

  test("sees an object that stays in the sheaf it was taken from", () => {
    const found = findings((classes) => ({
      Sheaves: class extends classes.Sheaves {
        override takeLast(sheaf: number, count: number): number[] {
          const taken = super.takeLast(sheaf, count);
          if (taken.length > 1) this.setSize(sheaf, this.size(sheaf) + 1);
          return taken;
        }
      },
    }));
    expect(found).toContain("list-corruption");
  });

  test("sees a listed slab that is not marked", () => {
    const found = findings((classes) => ({
      NodePartial: class extends classes.NodePartial {
        override isListed(page: number): boolean {
          return page !== 0 && !super.isListed(page);
        }
      },
    }));
    expect(found).not.toEqual([]);
  });
});

describe("the audit of sheaves, with a ledger", () => {
  /** Objects of a cache of 7.1 with a ledger, and what the audit then says. */
  function watchedCache(): {
    kernel: Kernel;
    s: number;
    slub: SheafSlub;
    failures: () => string[];
  } {
    const kernel = boot(
      { ...machine, checker: ledgerBytes(machine.memory), parameters: { slab_nomerge: true } },
      { change: withLedger },
    );
    const system = systemOf(kernel);
    const ledger = new Ledger(system.common);
    const failures = (): string[] => audit(system, { ledger }).map(({ failure }) => failure);
    const s = kernel.kmemCacheCreate("watched256", 256);
    return { kernel, s, slub: system.allocator as unknown as SheafSlub, failures };
  }

  test("counts an object of kfree_rcu as its user's, in whichever sheaf it waits", () => {
    const { kernel, s, failures } = watchedCache();
    kernel.run(() => kernel.kfreeRcu(kernel.kmemCacheAlloc(s)), 0);
    expect(failures()).toEqual([]);
  });

  test("sees such an object that was freed by its user as well", () => {
    const { kernel, s, failures } = watchedCache();
    kernel.run(() => {
      const object = kernel.kmemCacheAlloc(s);
      kernel.kfreeRcu(object);
      kernel.kmemCacheFree(s, object);
    }, 0);
    expect(failures()).toContain("double-free");
  });

  test("finds the objects of a sheaf that a caller holds, and sees one that it has lost", () => {
    const { kernel, s, failures, slub } = watchedCache();
    const sheaf = kernel.run(() => kernel.kmemCachePrefillSheaf(s, 10), 0);
    expect(failures()).toEqual([]);
    slub.sheaves.pop(sheaf);
    expect(failures()).toEqual(["lost-object"]);
  });

  test("finds frees that were put off, and sees one that is forgotten", () => {
    const { kernel, s, failures, slub } = watchedCache();
    const steps = systemOf(kernel).observer.traceView({ single: false }).sheafSteps;
    const seen = kernel.run(() => {
      const object = kernel.kmemCacheAlloc(s);
      steps?.withLock(s, "sheaf", () => kernel.kfreeNolock(object));
      const before = failures();
      const [waiting] = slub.deferredFrees.of(s, 0);
      expect(waiting).toBe(object);
      return before;
    }, 0);
    expect(seen).toEqual([]);
    expect(failures()).toEqual([]);
    expect([...slub.deferredFrees.of(s, 0)]).toEqual([]);
  });

  test("sees a sheaf lock that nobody will drop", () => {
    const { kernel, s, failures, slub } = watchedCache();
    const pcs = slub.sheafLock.ofCpu(s, 1);
    systemOf(kernel).memory.write32(pcs + CpuSheaves.locked, 1);
    expect(failures()).toEqual(["deadlock"]);
  });

  test("sees a sheaf that is in two places, and one that is in none", () => {
    const { kernel, s, failures, slub } = watchedCache();
    const lock = slub.sheafLock;
    kernel.run(() => kernel.kmemCacheAlloc(s), 0);
    const spare = lock.spare(lock.ofCpu(s, 0));
    systemOf(kernel).memory.write32(lock.ofCpu(s, 1) + CpuSheaves.rcuFree, spare);
    expect(failures()).toContain("list-corruption");
    systemOf(kernel).memory.write32(lock.ofCpu(s, 1) + CpuSheaves.rcuFree, 0);
    systemOf(kernel).memory.write32(lock.ofCpu(s, 0) + CpuSheaves.spare, 0);
    expect(failures()).toEqual(["counter-drift"]);
  });

  test("sees a CPU without a main sheaf", () => {
    const { kernel, s, failures, slub } = watchedCache();
    systemOf(kernel).memory.write32(slub.sheafLock.ofCpu(s, 1) + CpuSheaves.main, 0);
    expect(failures()).toContain("list-corruption");
  });
});

test("an interrupt that finds the sheaf lock held does without sheaves", () => {
  const kernel = boot(machine);
  const s = kernel.kmemCacheCreate("locked256", 256);
  const steps = systemOf(kernel).observer.traceView({ single: false }).sheafSteps;
  kernel.run(() => {
    const object = steps?.withLock(s, "sheaf", () => kernel.kmemCacheAlloc(s)) ?? 0;
    expect(object).not.toBe(0);
    steps?.withLock(s, "sheaf", () => kernel.kmemCacheFree(s, object));
  }, 0);
  expect(audit(systemOf(kernel))).toEqual([]);
  expect(kernel.kmemCacheDestroy(s)).toBe(0);
});

/** What came of objects that were allocated, freed and allocated again in every way. */
function usedWith(options: BootOptions): { kernel: Kernel; objects: number[] } {
  const kernel = boot({ ...machine, ...options });
  const s = kernel.kmemCacheCreate("used200", 200);
  const objects: number[] = [];
  kernel.run(() => {
    for (let i = 0; i < 400; i++) objects.push(kernel.kmemCacheAlloc(s));
    for (const object of objects) kernel.view8(object, 200).fill(0x77);
    for (const object of objects.splice(0, 100)) kernel.kmemCacheFree(s, object);
    for (const object of objects.splice(0, 100)) kernel.kfreeRcu(object);
    for (const object of objects.splice(0, 100)) kernel.kfreeNolock(object);
    kernel.kmemCacheFreeBulk(s, 100, objects.splice(0, 100));
    kernel.rcuBarrier();
    const sheaf = kernel.kmemCachePrefillSheaf(s, 20);
    for (let i = 0; i < 10; i++) objects.push(kernel.allocFromSheaf(s, sheaf));
    kernel.returnSheaf(s, sheaf);
    kernel.kmemCacheAllocBulk(s, 300, objects);
    for (let i = 0; i < 100; i++) objects.push(kernel.kmemCacheAlloc(s));
  }, 0);
  expect(audit(systemOf(kernel))).toEqual([]);
  return { kernel, objects };
}

describe("a boot option", () => {
  test.each<[string, BootOptions]>([
    ["slab_lock", { swap: "slab_lock" }],
    ["hardened free pointers", { hardened: true }],
    ["random freelists", { randomized: true }],
    ["init_on_alloc", { initOnAlloc: true }],
  ])("%s works with sheaves", (_, options) => {
    const { objects } = usedWith(options);
    expect(new Set(objects).size).toBe(objects.length);
  });

  test("init_on_free zeroes what comes back, whichever way it comes", () => {
    const { kernel, objects } = usedWith({ initOnFree: true });
    const stained = objects.filter((at) => kernel.view8(at, 200).some((byte) => byte !== 0));
    expect(stained).toEqual([]);
  });

  test("era seed is refused: there is no tid whose step could be missing", () => {
    expect(() => boot({ ...machine, era: "seed" })).toThrow("SLUB of 7.1 has no tid");
  });
});

test("Linux 7.1 has no SLAB", () => {
  expect(() => boot({ kernel: "7.1", allocator: "slab" })).toThrow("Linux 7.1 has no SLAB");
});
