// SPDX-License-Identifier: GPL-2.0-only
/** Steps that only SLUB with sheaves has: in TypeScript scenarios alone. */
import type { SheafCalls } from "../caches/allocator.ts";
import type { Address } from "../machine/memory.ts";
import { NUMA_NO_NODE } from "../machine/topology.ts";
import { GFP_KERNEL } from "../pages/gfp.ts";
import type { Laboratory } from "./laboratory.ts";
import { call, type Names, type Step } from "./steps.ts";

/** @throws RangeError where the allocator has no sheaves. */
function sheafCalls({ system }: Laboratory): SheafCalls {
  const { sheafCalls: calls, name } = system.allocator;
  if (calls === undefined) throw new RangeError(`${name} has no sheaves`);
  return calls;
}

const onEach = (title: string, of: string, act: (lab: Laboratory, object: Address) => void): Step =>
  call(`${title} ${of}`, (lab, names) => {
    for (const object of names(of)) act(lab, object);
    return undefined;
  });

const named = (
  title: string,
  name: string,
  give: (lab: Laboratory, names: Names) => Address,
  count = 1,
): Step =>
  call(title, (lab, names) => {
    const given: Address[] = [];
    for (let i = 0; i < count; i++) given.push(give(lab, names));
    return { [name]: given };
  });

export const allocNolock = (name: string, count = 1): Step =>
  named(
    `alloc-nolock ${name} ${count}`,
    name,
    (lab) => sheafCalls(lab).allocNolock(lab.s, 0, NUMA_NO_NODE),
    count,
  );

export const freeNolock = (of: string): Step =>
  onEach("free-nolock", of, (lab, object) => sheafCalls(lab).freeNolock(lab.s, object));

/** The sheaf gets a name as an object does. */
export const prefill = (sheaf: string, size: number): Step =>
  named(`prefill ${sheaf} ${size}`, sheaf, (lab) =>
    sheafCalls(lab).prefillSheaf(lab.s, GFP_KERNEL, size),
  );

export const allocFromSheaf = (name: string, sheaf: string): Step =>
  named(`alloc ${name} from ${sheaf}`, name, (lab, names) => {
    const [at] = names(sheaf);
    return at === undefined ? 0 : sheafCalls(lab).allocFromSheaf(lab.s, GFP_KERNEL, at);
  });

export const returnSheaf = (sheaf: string): Step =>
  onEach("return", sheaf, (lab, at) => sheafCalls(lab).returnSheaf(lab.s, GFP_KERNEL, at));
