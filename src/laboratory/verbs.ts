// SPDX-License-Identifier: GPL-2.0-only
/** The verbs of a scenario file: how each reads its words. */
import { MAX_CPUS } from "../machine/cpus.ts";
import { MAX_NUMNODES } from "../machine/machine.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import { MEMORY_POLICIES, type MemoryPolicy } from "../pages/policies.ts";
import * as steps from "./steps.ts";
import type { Words } from "./words.ts";

/** The largest count that a file may name. */
export const MOST = 4096;
const LARGEST_REQUEST = 65_536;
const LARGEST_BLOCK_ORDER = 5;
const LARGEST_MIN_FREE = 65_536;

/** Policies whose names are two words have a hyphen in a file. */
const POLICY_WORDS = MEMORY_POLICIES.map((policy) => policy.replace(" ", "-"));

function nodesIn(words: Words): number[] {
  const nodes: number[] = [];
  while (!words.isEmpty) nodes.push(words.number("a node", 0, MAX_NUMNODES - 1));
  return nodes;
}

function failures(words: Words): [nth: number, times: number] {
  return [
    words.number("which allocation", 1, MOST),
    words.optionalNumber("how many failures", 1, MOST, 1),
  ];
}

type Verb = (words: Words) => steps.Step;

export const VERBS: Readonly<Record<string, Verb>> = {
  alloc: (words) => {
    const name = words.name("a name");
    const count = words.optionalNumber("how many", 1, MOST, 1);
    const node = words.takes("node") ? words.number("a node", 0, MAX_NUMNODES - 1) : NUMA_NO_NODE;
    const wish = steps.ALLOC_WISHES.find((wish) => words.takes(wish));
    return steps.alloc(name, count, node, wish);
  },
  kmalloc: (words) =>
    steps.kmalloc(words.name("a name"), words.number("a size", 1, LARGEST_REQUEST)),
  krealloc: (words) =>
    steps.krealloc(
      words.reference(),
      words.name("a name"),
      words.number("a size", 1, LARGEST_REQUEST),
    ),
  pages: (words) => {
    const name = words.name("a name");
    const count = words.optionalNumber("how many", 1, MOST, 1);
    const order = words.takes("order") ? words.number("an order", 0, LARGEST_BLOCK_ORDER) : 0;
    return steps.pages(name, count, order);
  },
  "free-pages": (words) => steps.freePages(words.reference()),
  hand: (words) => steps.hand(words.reference()),
  take: (words) => steps.take(words.name("a name")),
  poke: (words) =>
    steps.poke(
      words.reference(),
      words.number("an offset", 0, MOST),
      words.number("a byte", 0, 0xff),
    ),
  point: (words) => steps.point(words.reference(), words.reference()),
  "not-leak": (words) => steps.notLeak(words.reference()),
  "leak-scan": () => steps.leakScan(),
  "kfree-rcu": (words) => steps.kfreeRcu(words.reference()),
  "rcu-look": (words) => steps.rcuLook(words.reference()),
  "synchronize-rcu": () => steps.synchronizeRcu(),
  create: (words) => steps.create(words.name("a name"), words.number("a size", 8, MOST)),
  "fail-slab": (words) => steps.failSlab(...failures(words)),
  "fail-page": (words) => steps.failPage(...failures(words)),
  free: (words) => steps.free(words.reference()),
  "bulk-alloc": (words) => steps.bulkAlloc(words.name("a name"), words.number("how many", 1, MOST)),
  "bulk-free": (words) => steps.bulkFree(words.reference()),
  flush: () => steps.flush(),
  "flush-cpu": () => steps.flushCpu(),
  shrink: () => steps.shrink(),
  destroy: (words) => steps.destroy(words.isEmpty ? undefined : words.name("a cache")),
  "keep-none": () => steps.keepNone(),
  reap: () => steps.reap(),
  group: (words) => {
    const name = words.name("a name");
    const limit = words.number("how many pages", 1, MOST);
    return steps.group(name, limit, words.takes("below") ? words.name("a group") : undefined);
  },
  enter: (words) => steps.enter(words.reference()),
  leave: () => steps.leave(),
  kill: (words) => steps.kill(words.reference()),
  work: () => steps.work(),
  "rcu-barrier": () => steps.rcuBarrier(),
  "cpu-offline": (words) => steps.cpuOffline(words.number("a CPU", 0, MAX_CPUS - 1)),
  "cpu-online": (words) => steps.cpuOnline(words.number("a CPU", 0, MAX_CPUS - 1)),
  "node-offline": (words) => steps.nodeOffline(words.number("a node", 0, MAX_NUMNODES - 1)),
  "node-online": (words) => steps.nodeOnline(words.number("a node", 0, MAX_NUMNODES - 1)),
  read: (words) => steps.read(words.next("a file of sysfs")),
  write: (words) => steps.write(words.next("a file of sysfs"), words.next("a value")),
  mempolicy: (words) => {
    const policy = words.oneOf("memory policy", POLICY_WORDS).replace("-", " ") as MemoryPolicy;
    return steps.mempolicy(policy, ...nodesIn(words));
  },
  "min-free": (words) => steps.minFree(words.number("kilobytes", 0, LARGEST_MIN_FREE)),
  mems: (words) => steps.mems(words.name("a task"), ...nodesIn(words)),
  tune: (words) =>
    steps.tune(
      words.number("limit", 1, MOST),
      words.number("batchcount", 1, MOST),
      words.number("shared", 0, MOST),
    ),
};
