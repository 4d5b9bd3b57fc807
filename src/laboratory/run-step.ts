// SPDX-License-Identifier: GPL-2.0-only
/** Does the steps of a scenario: each verb is one call, or a few, of the system. */
import { EINVAL } from "../caches/errno.ts";
import { faultsOf } from "../caches/fault-injection.ts";
import { KmemCacheBase } from "../caches/kmem-cache.ts";
import { Belongings } from "../check/belongings.ts";
import { groupsOf } from "../kernel/group-system.ts";
import type { Kmemleak } from "../kernel/kmemleak.ts";
import { hex } from "../machine/hex.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import type { Address } from "../machine/memory.ts";
import { __GFP_MEMALLOC, __GFP_THISNODE, __GFP_ZERO } from "../pages/gfp.ts";
import { Page, PG_SLAB } from "../pages/page.ts";
import type { Laboratory } from "./laboratory.ts";
import type { AllocWish, Bound, Names, Step } from "./steps.ts";

type Of<V extends Step["verb"]> = Extract<Step, { readonly verb: V }>;

/** Does the step, with allocations as `gfp` says; returns the objects that it names. */
export function runStep(lab: Laboratory, step: Step, names: Names, gfp: number): Bound {
  const { system, s } = lab;
  switch (step.verb) {
    case "alloc":
      return { [step.name]: Array.from({ length: step.count }, () => allocate(lab, step, gfp)) };
    case "bulk-alloc": {
      const objects: Address[] = [];
      // All or none: if it fails, it has freed the objects that it had put there.
      const got = system.kmemCacheAllocBulk(s, step.count, objects, gfp);
      if (got === 0) refuseEmpty(lab);
      return { [step.name]: objects.slice(0, got) };
    }
    case "kmalloc":
      return { [step.name]: [system.kmalloc(step.size, gfp)] };
    case "krealloc":
      return { [step.name]: names(step.of).map((object) => reallocate(lab, object, step, gfp)) };
    case "pages":
      return { [step.name]: pagesOf(lab, step, gfp) };
    case "take":
      return { [step.name]: lab.mailbox.take() };
    case "create":
      return { [step.name]: [system.kmemCacheCreate(step.name, step.size)] };
    case "group": {
      const [above = 0] = step.above === undefined ? [] : names(step.above);
      return { [step.name]: [groupsOf(system).create(step.name, step.limit, above)] };
    }
    case "call":
      return step.body(lab, names) ?? {};
    default:
      act(lab, step, names);
      return {};
  }
}

function allocate(lab: Laboratory, { node, wish }: Of<"alloc">, gfp: number): Address {
  const { system, s } = lab;
  const object = system.kmemCacheAllocNode(s, gfp | gfpOf(wish), node);
  if (object === 0 && wish === "must") refuse("out-of-memory", "no object, though there is one");
  if (object === 0) {
    refuseEmpty(lab);
    return 0;
  }
  const { memory, pages } = system;
  if ((object & 3) !== 0) refuse("bad-access", `object ${hex(object)} is inside of a word`);
  if (wish === "zero") {
    const size = memory.read32(s + KmemCacheBase.objectSize);
    const other = memory.findOther(object, 0, size);
    if (other !== 0) refuse("poison", `object ${hex(object)} is not zero at ${hex(other)}`);
  }
  const from = pages.pageToNid(pages.virtToHeadPage(object));
  // Without __GFP_THISNODE it is a wish, which is met as long as no memory is wanting.
  if (node >= 0 && from !== node && (wish === "thisnode" || !lab.mayLackMemory)) {
    refuse("wrong-slab", `object ${hex(object)} is of node ${from}, not of node ${node}`);
  }
  if (wish === "ordinary" && lab.reserves.isReserve(pages.virtToHeadPage(object))) {
    refuse("wrong-slab", `object ${hex(object)} is of the reserves`);
  }
  return object;
}

/** In any order of the operations there is memory for all of them, unless a step takes it away. */
function refuseEmpty({ mayLackMemory }: Laboratory): void {
  if (mayLackMemory) return;
  refuse("out-of-memory", "no object, though no allocation of pages can fail here");
}

function gfpOf(wish: AllocWish | undefined): number {
  if (wish === "zero") return __GFP_ZERO;
  if (wish === "memalloc") return __GFP_MEMALLOC;
  return wish === "thisnode" ? __GFP_THISNODE : 0;
}

function reallocate(lab: Laboratory, object: Address, step: Of<"krealloc">, gfp: number): Address {
  // Where there is no memory the object stays as it is.
  return lab.system.krealloc(object, step.size, gfp) || object;
}

function pagesOf({ system }: Laboratory, { count, order }: Of<"pages">, gfp: number): Address[] {
  const { pages } = system;
  const found = Array.from({ length: count }, () => pages.allocPages(gfp, order, -1));
  // Which order a block has is kept in its name: an address within 2^order pages.
  return found.filter((page) => page !== 0).map((page) => pages.pageAddress(page) + order);
}

/** Steps that name nothing. */
function act(lab: Laboratory, step: Step, names: Names): void {
  const { system, s } = lab;
  switch (step.verb) {
    case "free":
      for (const object of names(step.of)) system.kfree(object);
      return;
    case "bulk-free": {
      const objects = names(step.of);
      if (objects.length > 0) system.kmemCacheFreeBulk(s, objects.length, objects);
      return;
    }
    case "kfree-rcu":
      for (const object of names(step.of)) retire(lab, object);
      return;
    case "free-pages":
      for (const block of names(step.of)) freeBlock(lab, block);
      return;
    case "hand":
      for (const object of names(step.of)) lab.mailbox.hand(object);
      return;
    case "rcu-look":
      look(lab, names(step.of));
      return;
    case "poke":
      for (const object of names(step.of)) {
        system.machine.checker?.check(object + step.offset, 1, true);
        system.memory.write8(object + step.offset, step.value);
      }
      return;
    case "point":
      for (const object of names(step.of)) {
        for (const other of names(step.to)) system.memory.write32(object, other);
      }
      return;
    case "not-leak":
      for (const object of names(step.of)) lab.kmemleak().notLeak(object);
      return;
    case "leak-scan":
      scanForLeaks(lab.kmemleak());
      return;
    case "shrink":
      system.kmemCacheShrink(s);
      return;
    case "destroy":
      for (const cache of step.of === undefined ? [s] : names(step.of)) {
        destroy(lab, cache);
      }
      return;
    case "enter":
      for (const group of names(step.of)) groupsOf(system).enter(group);
      return;
    case "leave":
      groupsOf(system).enter(0);
      return;
    case "kill":
      for (const group of names(step.of)) groupsOf(system).kill(group);
      return;
    case "work":
      groupsOf(system).work();
      return;
    case "synchronize-rcu":
      system.synchronizeRcu();
      return;
    case "rcu-barrier":
      system.rcuBarrier();
      return;
    case "fail-slab":
    case "fail-page":
      failNth(lab, step);
      return;
    case "mempolicy":
      lab.policies.setPolicy(step.policy, step.nodes);
      return;
    case "min-free":
      lab.reserves.minFreeKbytes = step.kbytes;
      return;
    case "mems":
      lab.policies.setMems(step.nodes, lab.taskNamed(step.task));
      return;
    case "cpu-offline":
      system.cpuDown(step.cpu);
      return;
    case "cpu-online":
      system.cpuUp(step.cpu);
      return;
    case "node-offline":
      system.nodeOffline(step.node);
      return;
    case "node-online":
      system.nodeOnline(step.node);
      return;
    default:
      runOnOneAllocator(lab, step);
  }
}

/** What is suspected for the first time is reported by the second scan. */
function scanForLeaks(kmemleak: Kmemleak): void {
  kmemleak.scan();
  kmemleak.scan();
}

function freeBlock({ system: { pages } }: Laboratory, block: Address): void {
  pages.freePages(pages.virtToPage(block), block & 0xf);
}

function retire({ system, retired }: Laboratory, object: Address): void {
  retired?.hand(object);
  system.kfreeRcu(object);
}

function destroy({ system, ledger }: Laboratory, cache: Address): void {
  if (cache === 0) return;
  const belongings = new Belongings(system, ledger, cache);
  if (system.kmemCacheDestroy(cache) === 0) belongings.checkGone();
}

/**
 * Looks at objects that a reader could find when the section began. Their slabs must stay, and an object
 * that is given to kfree_rcu meanwhile must stay itself. In a scenario with kfree-rcu an object may also
 * be freed at once, as one that readers do not see: then only slabs of type-safe objects must stay.
 */
function look(lab: Laboratory, objects: readonly Address[]): void {
  const { system, ledger, retired } = lab;
  system.rcuReadLock();
  const found = objects
    .filter((object) => ledger.isLive(object) && !retired?.holds(object))
    .map((object) => ({ object, event: ledger.eventOf(object) }));
  for (const { object, event } of found) {
    system.memory.readRacy(object);
    const isRetired = retired?.holds(object) === true;
    if (isRetired || lab.isTypesafe || retired === undefined) checkSlabIsThere(lab, object);
    if (isRetired && ledger.isLive(object) && ledger.eventOf(object) !== event) {
      refuse("use-after-free", `object ${hex(object)} is handed out again under its reader`);
    }
  }
  system.rcuReadUnlock();
}

function checkSlabIsThere({ system: { memory, pages } }: Laboratory, object: Address): void {
  if ((memory.readRacy(pages.virtToHeadPage(object) + Page.flags) & PG_SLAB) !== 0) return;
  refuse("use-after-free", `the slab of object ${hex(object)} is gone under its reader`);
}

type FailStep = Extract<Step, { readonly nth: number }>;

function failNth({ system }: Laboratory, { verb, nth, times }: FailStep): void {
  const faults = faultsOf(verb === "fail-slab" ? system.allocator : system.pages);
  faults?.arm({ times, interval: nth });
}

function refuse(failure: ConstructorParameters<typeof KernelBug>[0], message: string): never {
  throw new KernelBug(failure, message);
}

/** What not every allocator has; scenario.ts refuses a step that this one has not. */
function runOnOneAllocator({ system, s }: Laboratory, step: Step): void {
  const { attributes, steps } = system.observer;
  if (step.verb === "read") attributes.get(step.attribute)?.show?.(s);
  else if (step.verb === "write") attributes.get(step.attribute)?.store?.(s, step.value);
  else if (step.verb === "tune") {
    system.allocator.tune(s, step.limit, step.batch, step.shared);
  } else {
    const act = steps.get(step.verb);
    if (act === undefined) throw new RangeError(`${system.allocator.name} has no "${step.verb}"`);
    act(s);
  }
}

/**
 * What is wrong with a step that reads or writes a file of sysfs, tried on a machine of its own:
 * an unknown file, one that cannot be read or written, or a value that the kernel refuses as such.
 */
export function sysfsComplaint({ system, s, memory }: Laboratory, step: Step) {
  if (step.verb !== "read" && step.verb !== "write") return undefined;
  const { attributes } = system.observer;
  const attribute = attributes.get(step.attribute);
  const word = step.attribute;
  if (attribute === undefined) {
    const known = [...attributes.keys()].join(", ");
    return { word, why: `not a file of this cache; known: ${known || "none"}` };
  }
  if (step.verb === "read") {
    return attribute.show === undefined ? { word, why: "cannot be read" } : undefined;
  }
  const { store } = attribute;
  if (store === undefined) return { word, why: "cannot be written" };
  const refused = memory.runAs(0, () => store(s, step.value)) === -EINVAL;
  return refused ? { word: step.value, why: `${word} refuses it (EINVAL)` } : undefined;
}
