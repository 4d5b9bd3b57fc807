// SPDX-License-Identifier: GPL-2.0-only
import type { SlabObjExts } from "../../caches/memcg/slab-obj-exts.ts";
import { onGroups } from "../../kernel/group-classes.ts";
import { on, task } from "../../laboratory/scenario.ts";
import { call, enter, group, leave } from "../../laboratory/steps.ts";
import { KernelBug } from "../../machine/kernel-bug.ts";
import { __GFP_ACCOUNT, GFP_KERNEL } from "../../pages/gfp.ts";
import { Page, PG_SLAB } from "../../pages/page.ts";
import { bug } from "../exhibit.ts";

/** 21 objects a slab, whose vector has 168 bytes: it is of this cache as well. */
const SIZE = 192;

const comesAndGoes = call("an object of kmalloc-192 comes and goes", ({ system, memory }) => {
  const { common, pages } = system;
  const s = common.kmallocCache(common.allocator.kmallocIndexOf(SIZE));
  system.kmemCacheShrink(s);
  const object = system.kmemCacheAlloc(s, GFP_KERNEL | __GFP_ACCOUNT);
  const page = pages.virtToHeadPage(object);
  system.kmemCacheFree(s, object);
  system.kmemCacheShrink(s);
  if ((memory.readOnce(page + Page.flags) & PG_SLAB) === 0) return undefined;
  throw new KernelBug("leaked-page", "a slab without objects of any user stays");
});

export const R46 = bug({
  id: "R46",
  title: "mm/slab: avoid allocating slabobj_ext array from its own slab",
  commit: "280ea9c3154b",
  year: 2026,
  verification: "V2",
  needs: "0",
  story: [
    "The vector of a slab was allocated from the cache of its size, which may be the slab's own.",
    "It lies in the slab that it is for, so the slab never becomes empty.",
    "A vector of that size is made larger, and is of another cache.",
  ],
  expect: ["leaked-page"],
  change: onGroups<typeof SlabObjExts>(
    (Groups) =>
      class extends Groups {
        protected override isVectorOwn(): boolean {
          return false;
        }
      },
  ),
  retypes: {},
  scenario: {
    name: "vector-in-own-slab",
    story: "The first object of a kmalloc cache that is charged comes and goes.",
    machine: { kernel: "7.1" },
    setup: on(0, group("g", 8)),
    contexts: [task("A", 0, [enter("g"), comesAndGoes, leave()])],
  },
  class: "leaked-page",
  preemptions: 0,
});
