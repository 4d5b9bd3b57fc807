/** Steps that several SLAB scenarios prepare themselves with. */
import { call, type Step } from "../../laboratory/steps.ts";
import { KmemCacheNode } from "../../slab/structs.ts";
import { attachVector } from "../bases.ts";

/** Every slab that becomes empty is destroyed at once. */
export const noFreeSlabs: Step = call("free_limit 0", ({ slab, s, memory }) => {
  const context = slab?.context;
  for (let nid = 0; nid < (context?.nodes ?? 0); nid++) {
    memory.write32((context?.nodeOf(s, nid) ?? 0) + KmemCacheNode.freeLimit, 0);
  }
  return undefined;
});

/** What cache_reap and kmem_cache_shrink do to a node's shared array, without a mutex around it. */
export const drainShared: Step = call("drain the shared array", ({ slab, s }) => {
  const n = slab?.context.nodeOf(s, 0) ?? 0;
  slab?.drain.drainShared(s, n, "all");
  return undefined;
});

/** When the slab of `object` is destroyed, `vector` is freed. */
export function vectorOf(object: string, vector: string): Step {
  return call(`${vector} is the vector of the slab of ${object}`, ({ slab }, names) => {
    const [of = 0] = names(object);
    const [is = 0] = names(vector);
    if (slab !== undefined) attachVector(slab.context, of, is);
    return undefined;
  });
}
