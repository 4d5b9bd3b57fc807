import { describe, expect, test } from "vitest";
import { SLAB_MEM_SPREAD } from "../../src/caches/flags.ts";
import type { BootOptions } from "../../src/kernel/boot-options.ts";
import { boot, type Kernel, MIB, systemOf } from "../../src/kernel/kernel.ts";
import type { Policies } from "../../src/pages/policies.ts";
import { KmemCache } from "../../src/slub/structs.ts";

/** The chance in 1024 of a look at other nodes' lists. */
function setDefragRatio(kernel: Kernel, s: number, ratio: number): void {
  systemOf(kernel).memory.write32(s + KmemCache.remoteNodeDefragRatio, ratio);
}

interface Booted {
  readonly kernel: Kernel;
  readonly policies: Policies;
  /** The node of each of so many new objects of 1024 bytes, four to a slab. */
  readonly nodesOf: (count: number, node?: number) => number[];
}

function booted(options: BootOptions = {}, flags = 0): Booted {
  const parameters = { slub_max_order: 0, slab_nomerge: true, ...options.parameters };
  const kernel = boot({
    kernel: "4.1",
    cpus: 4,
    nodes: 4,
    memory: 32 * MIB,
    policies: true,
    ...options,
    parameters,
  });
  const { policies } = kernel;
  if (policies === undefined) throw new Error("no policies");
  const s = kernel.kmemCacheCreate("policies", 1024, { flags });
  // A look at other nodes' lists would move an interleaving policy on, too.
  if (systemOf(kernel).allocator.name === "slub") setDefragRatio(kernel, s, 0);
  const { pages } = systemOf(kernel);
  const nodesOf = (count: number, node = -1): number[] =>
    kernel.run(
      () =>
        Array.from({ length: count }, () => {
          const object = kernel.kmemCacheAllocNode(s, 0x10, node);
          return object === 0 ? -1 : pages.pageToNid(pages.virtToHeadPage(object));
        }),
      0,
    );
  return { kernel, policies, nodesOf };
}

/** The cache that was made last. */
const cacheOf = (kernel: Kernel): number =>
  systemOf(kernel)
    .common.caches()
    .find((s) => systemOf(kernel).common.nameOf(s) === "policies") ?? 0;

/** One of each slab. */
const everyFourth = (nodes: readonly number[]) => nodes.filter((_, i) => i % 4 === 0);

describe("SLUB takes new slabs", () => {
  test("from the nodes of an interleaving policy in turn", () => {
    const { policies, nodesOf } = booted();
    policies.setPolicy("interleave", [1, 3]);
    expect(everyFourth(nodesOf(16))).toEqual([1, 3, 1, 3]);
  });

  test("from the nodes of a weighted policy, each as often as its weight says", () => {
    const { policies, nodesOf } = booted();
    policies.setPolicy("weighted interleave", [0, 2]);
    policies.setWeight(2, 2);
    expect(everyFourth(nodesOf(24))).toEqual([0, 2, 2, 0, 2, 2]);
  });

  test("from the preferred node, or the nearest one that a task is bound to", () => {
    const { policies, nodesOf } = booted();
    policies.setPolicy("preferred", [2]);
    expect(everyFourth(nodesOf(8))).toEqual([2, 2]);
    policies.setPolicy("bind", [1, 3]);
    expect(everyFourth(nodesOf(8))).toEqual([1, 1]);
    policies.setPolicy("local");
    expect(everyFourth(nodesOf(8))).toEqual([0, 0]);
  });

  test("from the nodes that the cpuset allows, which confine a policy, too", () => {
    const { policies, nodesOf } = booted();
    policies.setMems([3]);
    expect(everyFourth(nodesOf(8))).toEqual([3, 3]);
    policies.setPolicy("interleave", [0, 1]);
    expect(everyFourth(nodesOf(8))).toEqual([3, 3]);
  });
});

test("get_any_partial moves an interleaving policy on even where it finds nothing", () => {
  const { kernel, policies, nodesOf } = booted();
  setDefragRatio(kernel, cacheOf(kernel), 1024);
  policies.setPolicy("interleave", [0, 1]);
  expect(everyFourth(nodesOf(16))).toEqual([1, 1, 1, 1]);
});

test("a search that found nothing begins again where the allowed nodes have changed meanwhile", () => {
  const { policies } = booted();
  const changes = [[2], [3], undefined];
  const searched: number[] = [];
  const found = policies.retrying(() => {
    const nodes = changes[searched.length];
    searched.push(policies.readBegin());
    if (nodes !== undefined) policies.setMems(nodes);
    return 0;
  });
  expect(found).toBe(0);
  expect(searched).toHaveLength(3);
  expect(searched.every((cookie) => cookie % 2 === 0)).toBe(true);
});

test("a bound task whose node is full gets nothing, and a preferring one gets memory elsewhere", () => {
  const { kernel, policies } = booted({ nodes: 2, memory: 8 * MIB });
  const take = (): number => {
    for (let taken = 0; ; taken++) if (kernel.kmalloc(65_536) === 0) return taken;
  };
  policies.setPolicy("bind", [1]);
  const bound = take();
  expect(systemOf(kernel).pages.nrFree(0)).toBeGreaterThan(bound * 8);
  policies.setPolicy("preferred", [1]);
  expect(take()).toBeGreaterThan(bound / 2);
});

describe("slab_strict_numa", () => {
  const strict = { kernel: "7.1", parameters: { slab_strict_numa: true } } as const;

  test("has each object come from the policy's node", () => {
    const { policies, nodesOf } = booted(strict);
    policies.setPolicy("interleave", [1, 2]);
    expect(nodesOf(4)).toEqual([1, 2, 1, 2]);
  });

  test("leaves a task to its CPU's sheaf where its own node is one that it is bound to", () => {
    const { policies, nodesOf } = booted(strict);
    policies.setPolicy("bind", [0, 2]);
    expect(nodesOf(4)).toEqual([0, 0, 0, 0]);
  });
});

describe.each(["4.1", "6.1"] as const)("SLAB of %s", (kernel) => {
  test("takes single objects of the policy's node past its array", () => {
    const { policies, nodesOf } = booted({ allocator: "slab", kernel });
    policies.setPolicy("interleave", [0, 2]);
    expect(nodesOf(6)).toEqual([0, 2, 0, 2, 0, 2]);
  });

  test("spreads the objects of a cache that asks for it over the allowed nodes", () => {
    const { policies, nodesOf } = booted({ allocator: "slab", kernel }, SLAB_MEM_SPREAD);
    policies.setMems([0, 1, 3]);
    expect(nodesOf(6)).toEqual([0, 0, 0, 0, 0, 0]);
    policies.setSpread(true);
    const nodes = nodesOf(6);
    expect([...new Set(nodes.slice(0, 3))].sort()).toEqual([0, 1, 3]);
    expect(nodes.slice(3)).toEqual(nodes.slice(0, 3));
  });
});

test("a request for a node without memory settles on the cpu slab of the nearest one (node_to_mem_node)", () => {
  const { kernel, nodesOf } = booted({ absentNodes: [1] });
  expect(nodesOf(40, 1)).toEqual(Array(40).fill(2));
  const s = cacheOf(kernel);
  const { attributes } = systemOf(kernel).observer;
  expect(kernel.run(() => attributes.get("alloc_node_mismatch")?.show?.(s))).toMatch(/^0/);
});

test("a policy without its nodes, and nodes that are not there, are refused", () => {
  const { policies } = booted();
  expect(() => policies.setPolicy("bind")).toThrow('a "bind" policy needs nodes');
  expect(() => policies.setPolicy("local", [0])).toThrow('a "local" policy takes no nodes');
  expect(() => policies.setPolicy("preferred", [9])).toThrow("there is no node 9");
  expect(() => policies.setMems([])).toThrow("memory of one node at least");
});

test("a kernel that was booted without policies has none", () => {
  expect(boot().policies).toBeUndefined();
});
