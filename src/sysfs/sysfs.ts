// SPDX-License-Identifier: GPL-2.0-only
/**
 * /sys/kernel/slab of a running machine with SLUB: a directory for each cache, links for aliases,
 * files in the kernel's own text. All calls are made as a CPU and may sleep. A name is looked up under
 * slab_mutex; a cache stays while one of its files is read or written.
 */

import type { Attribute, Attributes } from "../caches/attribute.ts";
import { EIO, ENOENT } from "../caches/errno.ts";
import type { KmemCachePtr } from "../caches/kmem-cache.ts";
import type { SysfsName } from "../caches/sysfs-names.ts";
import type { System } from "../kernel/system.ts";
import { mutexLock, mutexUnlock } from "../machine/mutex.ts";

export class SlabSysfs {
  private readonly system: System;
  private readonly attributes: Attributes;

  constructor(system: System) {
    this.system = system;
    this.attributes = system.observer.attributes;
  }

  /** Directories and links, oldest first; none comes or goes while they are read. */
  names(): SysfsName[] {
    return this.withMutex(() => this.system.common.sysfsNames.names());
  }

  /** The cache that a directory or a link of that name shows, or undefined. */
  cacheOf(name: string): KmemCachePtr | undefined {
    return this.names().find((entry) => entry.name === name)?.cache;
  }

  /** The directory's name, of a directory or a link. */
  directoryOf(name: string): string | undefined {
    const names = this.names();
    const cache = names.find((entry) => entry.name === name)?.cache;
    return names.find((entry) => entry.cache === cache && !entry.isLink)?.name;
  }

  /** Names of the files in every directory, in the kernel's order. */
  files(): string[] {
    return [...this.attributes.keys()];
  }

  /** A file's text, or a negative error number: -ENOENT, -EIO where it cannot be read, its own. */
  read(name: string, file: string): string | number {
    return this.using(name, file, (s, { show }) => show?.(s) ?? -EIO);
  }

  /**
   * 0, or a negative error number: -ENOENT, -EIO where it cannot be written, its own. What a root's
   * file is told, those of the caches that groups have of it are told as well.
   */
  write(name: string, file: string, text: string): number {
    return this.using(name, file, (s, { show, store }) => {
      if (store === undefined) return -EIO;
      const error = store(s, text);
      const { groups } = this.system.common;
      // slab_attr_store; what is only done once leaves nothing to tell.
      if (error === 0 && groups !== undefined && show?.(s) !== "") {
        groups.stored(s, text, (child) => store(child, text));
      }
      return error;
    });
  }

  private using<T>(
    name: string,
    file: string,
    act: (s: KmemCachePtr, attribute: Attribute) => T,
  ): T | number {
    const { sysfsNames } = this.system.common;
    const attribute = this.attributes.get(file);
    const entry = attribute === undefined ? 0 : this.withMutex(() => sysfsNames.hold(name));
    if (entry === 0 || attribute === undefined) return -ENOENT;
    const result = act(sysfsNames.cacheOf(entry), attribute);
    sysfsNames.letGo(entry);
    return result;
  }

  private withMutex<T>(look: () => T): T {
    const { common, memory } = this.system;
    mutexLock(memory, common.slabMutex);
    const found = look();
    mutexUnlock(memory, common.slabMutex);
    return found;
  }
}
