// SPDX-License-Identifier: GPL-2.0-only
import { SLAB_TYPESAFE_BY_RCU } from "../../caches/flags.ts";
import { on, type SlabScenario, task } from "../../laboratory/scenario.ts";
import { alloc, call, type Step } from "../../laboratory/steps.ts";
import { KernelBug } from "../../machine/kernel-bug.ts";
import type { Memory } from "../../machine/memory.ts";
import { bug } from "../exhibit.ts";

// An object: its key, and how many refer to it. The free pointer lies behind it.
const KEY = 0;
const REFERENCES = 4;

/** The count of an object, as the last word of it that is written. */
type SetCount = (memory: Memory, at: number, count: number) => void;

/** refcount_set_release: a reader that sees the count sees the key as well. */
const byRelease: SetCount = (memory, at, count) => memory.storeRelease(at, count);

/** Publishes object `a.0` under key 1 in the first word of `a.1`, which stands for a hash table. */
const publish: Step = call("publish a.0 with key 1", ({ memory }, names) => {
  const [object = 0, table = 0] = names("a");
  memory.writeOnce(object + KEY, 1);
  memory.writeOnce(object + REFERENCES, 1);
  memory.writeOnce(table, object);
  return undefined;
});

function dropReference(memory: Memory, object: number): boolean {
  return memory.add(object + REFERENCES, -1) === 1;
}

/** The object is unlisted and freed, and its memory becomes that of another with key 2. */
function replace(setCount: SetCount): Step {
  return call("delete key 1, insert key 2", ({ system, memory, s }, names) => {
    const [object = 0, table = 0] = names("a");
    memory.writeOnce(table, 0);
    if (dropReference(memory, object)) system.kfree(object);
    const other = system.kmemCacheAlloc(s);
    memory.writeOnce(other + KEY, 2);
    setCount(memory, other + REFERENCES, 1);
    return { other: [other] };
  });
}

/** Finds key 1 and takes a reference. With `recheck` the key is read again after that. */
function lookUp(recheck: boolean): Step {
  return call(recheck ? "look up key 1" : "look up key 1, unchecked", (lab, names) => {
    const { memory, system } = lab;
    const [, table = 0] = names("a");
    system.machine.rcu.readLock();
    const object = memory.readOnce(table);
    const found =
      object !== 0 && memory.readOnce(object + KEY) === 1 && takeReference(memory, object);
    const isRight = found && (!recheck || memory.readOnce(object + KEY) === 1);
    if (isRight && memory.readOnce(object + KEY) !== 1) {
      throw new KernelBug(
        "use-after-free",
        `looked for key 1 and holds object 0x${object.toString(16)} with key ${memory.readOnce(object + KEY)}`,
      );
    }
    system.machine.rcu.readUnlock();
    if (found && dropReference(memory, object)) system.kfree(object);
    return undefined;
  });
}

/** atomic_inc_not_zero */
function takeReference(memory: Memory, object: number): boolean {
  for (;;) {
    const count = memory.readOnce(object + REFERENCES);
    if (count === 0) return false;
    if (memory.cmpxchg(object + REFERENCES, count, count + 1) === count) return true;
  }
}

interface Variant {
  readonly recheck?: boolean;
  readonly setCount?: SetCount;
}

/** A lookup under RCU: as it must be, or with one of its precautions taken out. */
export function typesafeLookup(name: string, variant: Variant): SlabScenario {
  const { recheck = true, setCount = byRelease } = variant;
  return {
    name,
    story: "A reader finds an object under RCU while it is freed and becomes another.",
    machine: { cpus: 2, flags: SLAB_TYPESAFE_BY_RCU },
    setup: on(1, alloc("a", 2), publish),
    contexts: [task("reader", 0, lookUp(recheck)), task("writer", 1, replace(setCount))],
  };
}

export const R43 = bug({
  id: "R43",
  title: "netfilter: nf_conntrack: look at the key again after taking the reference",
  commit: "c6825c0976fa",
  year: 2014,
  verification: "U",
  isIdUnconfirmed: true,
  needs: "X",
  story: [
    "SLAB_TYPESAFE_BY_RCU keeps the page, not the object: a reader may find the object freed and handed out again.",
    "A lookup that found the right key takes its reference after the object has become another one.",
    "The lookup compares the key again once it holds the reference.",
  ],
  scenario: typesafeLookup("typesafe-lookup", {}),
  brokenScenario: typesafeLookup("typesafe-lookup-unchecked", { recheck: false }),
  class: "use-after-free",
  preemptions: 1,
});
