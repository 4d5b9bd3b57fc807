// SPDX-License-Identifier: GPL-2.0-only
/**
 * What programs hand over by mistake is refused here, at the public calls, before anything is changed:
 * a name that is misspelt is undefined, a key of an object is text, a cache may be destroyed. Below,
 * caches and addresses are what they seem to be. The explorer calls the layer below, where each of
 * these looks would be one more access.
 */
import { ZERO_SIZE_PTR } from "../caches/kmalloc-sizes.ts";
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import { KernelBug } from "../machine/kernel-bug.ts";
import { PAGE_SHIFT } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import { isFunction, isInt32, isList, named } from "../machine/option-check.ts";
import type { System } from "./system.ts";

/** @throws KernelBug */
export function refuse(call: string, why: string): never {
  throw new KernelBug("bad-access", `${call}: ${why}`);
}

const DEFERRED: Readonly<Record<string, string>> = {
  "[object AsyncFunction]": "async",
  "[object GeneratorFunction]": "a generator",
  "[object AsyncGeneratorFunction]": "an async generator",
};

/**
 * A function that has done its work when it returns; another one would go on after the call, or never
 * begin. `role` says what it is to the call. @throws KernelBug
 */
export function checkFunction(call: string, role: string, fn: unknown): void {
  if (!isFunction(fn)) refuse(call, `${named(fn)} is no function`);
  if (fn.constructor === Function) return;
  // By its tag: a function of another realm has other constructors.
  const kind = DEFERRED[Object.prototype.toString.call(fn)];
  if (kind !== undefined) refuse(call, `${role} must not be ${kind}`);
}

export class Arguments {
  declare private readonly system: System;

  constructor(system: System) {
    this.system = system;
  }

  /** A cache that has been created and not destroyed. @throws KernelBug */
  cache(call: string, s: KmemCachePtr): void {
    if (this.system.isCache(s)) return;
    if (s === 0) refuse(call, "the cache is NULL");
    refuse(call, `${named(s)} is no cache, or one that was destroyed`);
  }

  /** An object of any cache, or whole pages of kmalloc. @throws KernelBug */
  object(call: string, object: Address): void {
    if (isInt32(object) && this.system.isObject(object)) return;
    refuse(call, `${named(object)} is no object`);
  }

  /** An object, or what stands for none. @throws KernelBug */
  objectOrNull(call: string, object: Address): void {
    if (Number.isInteger(object) && object >= 0 && object <= ZERO_SIZE_PTR) return;
    this.object(call, object);
  }

  /** What could be a sheaf; whether it is one of the cache, the call looks itself. @throws KernelBug */
  sheaf(call: string, s: KmemCachePtr, sheaf: Address): void {
    this.cache(call, s);
    if (!isInt32(sheaf)) refuse(call, `${named(sheaf)} is no prefilled sheaf`);
  }

  /** A number of objects or bytes, which need not be there. @throws KernelBug */
  count(call: string, what: string, count: number): void {
    if (Number.isInteger(count) && count >= 0) return;
    refuse(call, `${named(count)} is no number of ${what}`);
  }

  /** @throws KernelBug */
  gfp(call: string, gfp: number): void {
    if (!Number.isInteger(gfp)) refuse(call, `${named(gfp)} is no gfp mask`);
  }

  /** A node, which this machine need not have, or NUMA_NO_NODE. @throws KernelBug */
  node(call: string, node: number): void {
    if (Number.isInteger(node)) return;
    refuse(call, `${named(node)} is no node`);
  }

  /** @throws KernelBug */
  array(call: string, p: readonly Address[]): void {
    if (!isList(p)) refuse(call, `${named(p)} is no array`);
  }

  /** An array that takes `size` objects; an error in the middle would lose some. @throws KernelBug */
  arrayFor(call: string, size: number, p: readonly Address[]): void {
    this.array(call, p);
    if (Object.isExtensible(p) || (size <= p.length && !Object.isFrozen(p))) return;
    refuse(call, `the array is frozen, or takes no more than ${p.length} objects`);
  }

  private other(call: string, s: KmemCachePtr, object: Address): void {
    if (s === 0) {
      this.objectOrNull(call, object);
      return;
    }
    this.object(call, object);
    this.system.checkOwner(s, object);
  }

  /**
   * Objects of the cache; or of any, and what stands for none, where `s` is 0. Read once, into
   * `copy`: elements of a proxy may be others at the next look, or throw. @throws KernelBug
   */
  objects(
    call: string,
    s: KmemCachePtr,
    size: number,
    p: readonly Address[],
    copy: Address[],
  ): void {
    if (size > p.length) refuse(call, `${size} objects of ${p.length}`);
    const { system } = this;
    // Most objects of a bulk lie in the page of the one before.
    let page = -1;
    for (let i = 0; i < size; i++) {
      const object = p[i] as Address;
      copy[i] = object;
      if (isInt32(object) && object >>> PAGE_SHIFT === page) continue;
      if (system.isOf(s, object)) page = object >>> PAGE_SHIFT;
      else this.other(call, s, object);
    }
  }
}
