import { describe, expect, test } from "vitest";
import { audit } from "../../src/check/audit.ts";
import { type Change, onSheaves } from "../../src/kernel/classes.ts";
import { boot, MIB, systemOf } from "../../src/kernel/kernel.ts";
import type { SheafClasses } from "../../src/slub/kernels.ts";
import { withLostLocals } from "../../src/slub/sheaves/lost-locals.ts";
import { Barn } from "../../src/slub/sheaves/structs.ts";

const machine = { kernel: "7.1", cpus: 4, nodes: 2, memory: 64 * MIB } as const;

/** CPU 3, of node 1, frees 32 objects of node 0 and 5 of its own in one call; how many are left. */
function leftAfterBulkFree(change?: Change): number {
  const kernel = boot(machine, change === undefined ? {} : { change });
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
    expect(leftAfterBulkFree(onSheaves(withLostLocals))).toBe(5);
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

test.each([
  ["slabLock", { swap: "slab_lock" } as const],
  ["hardened", { hardened: true }],
  ["initOnFree", { initOnFree: true }],
])("a machine with sheaves says that it has no switch %s", (name, options) => {
  expect(() => boot({ ...machine, ...options })).toThrow(`SLUB of 7.1 has no switch ${name} here`);
});

test("Linux 7.1 has no SLAB", () => {
  expect(() => boot({ kernel: "7.1", allocator: "slab" })).toThrow("Linux 7.1 has no SLAB");
});
