/** What a task leaves behind that died in the middle of an operation. */
import { expect, test } from "vitest";
import { audit } from "../../src/check/audit.ts";
import { Ledger, ledgerBytes } from "../../src/check/ledger.ts";
import { Remains } from "../../src/check/remains.ts";
import { buryTask } from "../../src/kernel/burial.ts";
import { attach, boot, type Kernel, systemOf, threadOf } from "../../src/kernel/kernel.ts";
import { bury } from "../../src/machine/burial.ts";
import type { Address } from "../../src/machine/memory.ts";
import { build, diesAt, MEMORY, many, OBJECT, testDeaths } from "./cut-operations.ts";
import type { InterposedMemory } from "./interposed-memory.ts";

// `npm run test:soak` has the accesses between.
const seen = testDeaths(3);

test("the dead had objects, slabs and pages in their hands, and counts were half changed", () => {
  expect([...seen]).toEqual(
    expect.arrayContaining([
      "object N of four, on its way out",
      "object N of four, on its way back",
      "slab N of four, frozen and on its way to a CPU's list",
      "slab N of four, on its way to the free pages",
      "slab N of four, on its way to a list",
      "slab N, not yet a cache's",
      "page N of order N, on its way to or from a slab",
      "N pages at N, on their way to the free lists",
      "four: nr_slabs of node N is N, found N",
      "four: total_objects of node N is N, found N",
      "node N counts N pages of slabs and has N",
    ]),
  );
});

/** A task dies between the pop of an object and its handing out. */
function deadWithOneObject(): { survivor: Kernel; ledger: Ledger; remains: Remains; s: Address } {
  const survivor = boot(
    { kernel: "4.1", cpus: 2, memory: MEMORY, checker: ledgerBytes(MEMORY) },
    build,
  );
  const victim = attach(survivor.shared, build);
  const s = survivor.kmemCacheCreate("four", OBJECT);
  const memory = threadOf(victim) as InterposedMemory;
  memory.enterCpu(1);
  victim.kmemCacheFree(s, many(victim, s, 2)[0] as Address);
  for (let access = 1; ; access++) {
    const restore = memory.snapshot();
    expect(diesAt(memory, access, () => victim.kmemCacheAlloc(s))).toBe(true);
    const ledger = new Ledger(systemOf(survivor).common);
    const remains = new Remains(systemOf(survivor), ledger, [memory.current()]);
    if (audit(systemOf(survivor), { ledger }).length > 0) return { survivor, ledger, remains, s };
    restore();
  }
}

test("a cut operation accounts for no more objects than it can have held", () => {
  const { survivor, ledger, remains, s } = deadWithOneObject();
  const [other] = survivor.run(() => many(survivor, s, 1), 0);
  // Another object gets lost: the ledger thinks that nobody has it.
  ledger.give(other as Address);
  const findings = audit(systemOf(survivor), { ledger, remains });
  expect(remains.list).toHaveLength(1);
  expect(findings.map(({ failure }) => failure)).toEqual(["lost-object"]);
});

test("an object lost from another cache is not attributed to the dead task", () => {
  const { survivor, ledger, remains } = deadWithOneObject();
  const object = survivor.kmalloc(500);
  ledger.give(object);
  const messages = audit(systemOf(survivor), { ledger, remains }).map(({ message }) => message);
  expect(messages).toEqual([expect.stringContaining("kmalloc-512: slab")]);
});

test("pages that the cut operation cannot have asked for are reported as leaked", () => {
  const { survivor, ledger, remains } = deadWithOneObject();
  const page = survivor.run(() => systemOf(survivor).pages.allocPages(0, 5, 0));
  const messages = audit(systemOf(survivor), { ledger, remains }).map(({ message }) => message);
  expect(messages).toEqual([
    `page ${systemOf(survivor).pages.array.number(page)} of order 5 is allocated and nobody's`,
  ]);
});

test("grace periods go on when a task has died with rcu.lock", () => {
  const survivor = boot({ cpus: 3, memory: MEMORY, checker: ledgerBytes(MEMORY) }, build);
  const victim = attach(survivor.shared, build);
  const memory = threadOf(victim) as InterposedMemory;
  memory.enterCpu(1);
  const restore = memory.snapshot();
  const { machine } = systemOf(survivor);
  let withLock = 0;
  for (let access = 1; ; access++) {
    restore();
    if (!diesAt(memory, access, () => victim.synchronizeRcu())) break;
    // It may have been serving CPU 0 as well.
    const held = bury(machine, memory.current());
    if (held.length > 0) withLock++;
    for (const cpu of [0, 2]) {
      if (!held.includes(cpu)) survivor.run(() => machine.rcu.synchronize(), cpu);
    }
  }
  expect(withLock).toBeGreaterThan(10);
});

test("callbacks go on, or their CPU is named, when a task has died over them", () => {
  const survivor = boot(
    { kernel: "4.1", cpus: 3, memory: MEMORY, checker: ledgerBytes(MEMORY) },
    build,
  );
  const victim = attach(survivor.shared, build);
  const memory = threadOf(victim) as InterposedMemory;
  const system = systemOf(survivor);
  memory.enterCpu(1);
  for (let i = 0; i < 3; i++) victim.kfreeRcu(victim.kmalloc(64));
  const restore = memory.snapshot();
  threadOf(survivor).waitLimit = 100;
  let named = 0;
  for (let access = 1; ; access += 2) {
    restore();
    if (!diesAt(memory, access, () => systemOf(victim).machine.rcu.barrier())) break;
    if (buryTask(system, threadOf(survivor), memory.current()).length > 0) named++;
    else survivor.run(() => system.machine.rcu.barrier());
  }
  expect(named).toBeGreaterThan(5);
});
