// SPDX-License-Identifier: GPL-2.0-only
/**
 * A memory group as a program has it: a limit for what a tenant's threads allocate. Docs:
 * docs/groups.md.
 */
import type { Groups, MemCgroupPtr } from "../caches/memcg/groups.ts";
import { PAGE_COUNTER_MAX } from "../caches/memcg/page-counter.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import { checkedOptions, type Kind, named, OBJECT, STRING } from "../machine/option-check.ts";
import { refuse } from "./arguments.ts";

export interface GroupOptions {
  /** Names of caches bear it. */
  readonly name?: string;
  /** A group whose limit counts as well. */
  readonly above?: Group;
}

const KINDS: Readonly<Record<keyof GroupOptions, Kind>> = { name: STRING, above: OBJECT };

/** The calls of a kernel that it makes. */
interface Runner {
  run<T>(section: () => T): T;
  runIn<T>(group: Group, section: () => T): T;
}

/** @throws RangeError */
function pagesIn(bytes: number): number {
  if (typeof bytes !== "number" || !(bytes >= 0)) {
    throw new RangeError(`a group's limit is a number of bytes, not ${named(bytes)}`);
  }
  return Math.min(Math.floor(bytes / PAGE_SIZE), PAGE_COUNTER_MAX);
}

export class Group {
  /** What another thread's `groupAt` takes. */
  declare readonly at: MemCgroupPtr;
  declare private readonly kernel: Runner;
  declare private readonly groups: Groups;

  constructor(kernel: Runner, groups: Groups, at: MemCgroupPtr) {
    this.kernel = kernel;
    this.groups = groups;
    this.at = at;
  }

  /** @throws RangeError where there is no memory, or `limit` is no number of bytes */
  static made(kernel: Runner, groups: Groups, limit: number, options: GroupOptions): Group {
    const { name = "group", above } = checkedOptions("group", options, KINDS);
    const pages = pagesIn(limit);
    const at = kernel.run(() => groups.create(name, pages, above?.at));
    if (at === 0) throw new RangeError("no memory for another group");
    return new Group(kernel, groups, at);
  }

  /** The group that another thread's `at` says. @throws RangeError where no group is, or a killed one */
  static found(kernel: Runner, groups: Groups, at: MemCgroupPtr): Group {
    if (Number.isInteger(at) && kernel.run(() => groups.isGroup(at)))
      return new Group(kernel, groups, at);
    throw new RangeError(`there is no group at ${named(at)}: another thread's own is its group.at`);
  }

  /** @throws KernelBug for what is no group of this kernel */
  static check(call: string, kernel: Runner, group: Group): void {
    if (!OBJECT.is(group) || !(group instanceof Group)) refuse(call, `${named(group)} is no group`);
    if (group.kernel !== kernel) refuse(call, "the group is another kernel's: see groupAt");
  }

  /** As kernel.run; what the section allocates is charged to the group, and fails beyond its limit. */
  run<T>(section: () => T): T {
    return this.kernel.runIn(this, section);
  }

  /** memory.kmem.usage_in_bytes: of the group and those below it. */
  get usage(): number {
    return this.groups.counts(this.at).usage * PAGE_SIZE;
  }

  /** memory.kmem.max_usage_in_bytes */
  get max(): number {
    return this.groups.counts(this.at).max * PAGE_SIZE;
  }

  /** memory.kmem.failcnt: charges that would have gone beyond the limit. */
  get failcnt(): number {
    return this.groups.counts(this.at).failcnt;
  }

  /** memory.kmem.limit_in_bytes: Infinity where there is none. */
  get limit(): number {
    const { limit } = this.groups.counts(this.at);
    return limit === PAGE_COUNTER_MAX ? Number.POSITIVE_INFINITY : limit * PAGE_SIZE;
  }

  /** 0, or -EBUSY where more is charged already. @throws RangeError for what is no number of bytes */
  setLimit(bytes: number): number {
    return this.groups.setLimit(this.at, pagesIn(bytes));
  }

  /**
   * rmdir: 0, or -EBUSY where a thread is in the group, or a group below it. Its objects stay, and are
   * charged to the group above it if there is one. The group is not to be asked any more.
   */
  kill(): number {
    return this.kernel.run(() => {
      const error = this.groups.kill(this.at);
      this.groups.work();
      return error;
    });
  }
}
