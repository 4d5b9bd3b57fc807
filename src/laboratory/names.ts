// SPDX-License-Identifier: GPL-2.0-only
/**
 * Names of a laboratory's addresses, in the kernel's words: `cpu 0: c->freelist`, `slab 17.counters`,
 * `object 17/2: next`. For reports only; it reads the machine as it is.
 */

import type { CacheDrawing, Reading } from "../caches/drawing.ts";
import { KmemCacheBase } from "../caches/kmem-cache.ts";
import type { Described } from "../explore/world.ts";
import type { System } from "../kernel/system.ts";
import { Cpu, sizeOfCpu } from "../machine/cpus.ts";
import { hex } from "../machine/hex.ts";
import { PAGE_SIZE } from "../machine/machine.ts";
import type { Address } from "../machine/memory.ts";
import { fieldAt, type Struct, sizeOf } from "../machine/struct.ts";
import { Page, PG_SLAB } from "../pages/page.ts";

/** What is named: a system, the cache of interest, and how its memory is read unseen. */
interface NamedLaboratory {
  readonly system: System;
  readonly s: Address;
  readonly reading: Reading;
  readonly memory: { inspect<T>(look: () => T): T };
}

type AnyStruct = Struct<Record<string, never>>;

export class LaboratoryNames {
  private readonly lab: NamedLaboratory;
  private readonly system: System;
  private readonly s: Address;
  private readonly drawing: CacheDrawing;

  constructor(lab: NamedLaboratory) {
    this.lab = lab;
    this.system = lab.system;
    this.s = lab.s;
    this.drawing = lab.system.observer.drawing(lab.reading);
  }

  describe(address: Address): Described {
    const described = this.find(address);
    const { draw } = described;
    if (draw === undefined) return described;
    return { ...described, draw: (value) => this.lab.memory.inspect(() => draw(value)) };
  }

  private find(address: Address): Described {
    const { layout } = this.system.machine;
    if (address < layout.percpuStart) return this.ofStatics(address);
    if (address < layout.percpuEnd) return this.ofCpuArea(address);
    if (address < this.system.pages.pageAddress(this.firstPage)) return this.ofDescriptors(address);
    if (address < layout.end) return this.ofPages(address);
    return { name: "ledger", field: "ledger" };
  }

  private get firstPage(): Address {
    const { pages } = this.system;
    return pages.array.numbered(pages.zones[0]?.start ?? 0);
  }

  private ofStatics(address: Address): Described {
    const { layout, statics } = this.system.machine;
    if (address >= layout.cpuBase && address < layout.taskBase) {
      const cpu = Math.floor((address - layout.cpuBase) / sizeOfCpu);
      const field = fieldAt(Cpu, (address - layout.cpuBase) % sizeOfCpu);
      return { name: `cpu ${cpu}: ${field}`, field: `cpu.${field}` };
    }
    const at = statics
      .list()
      .find((object) => address >= object.at && address < object.at + object.bytes);
    if (at === undefined) return { name: hex(address), field: "machine" };
    const into = address - at.at;
    const field = at.of === undefined ? `[${into >> 2}]` : `.${fieldAt(at.of as AnyStruct, into)}`;
    return {
      name: `${at.name}${field}`,
      field: `${at.name}${field}`,
      draw: (value) => this.draw(value),
    };
  }

  private ofCpuArea(address: Address): Described {
    const { layout } = this.system.machine;
    const cpu = Math.floor((address - layout.percpuStart) / layout.percpuStride);
    const offset = (address - layout.percpuStart) % layout.percpuStride;
    const named = this.ofCpuOffset(offset);
    return { ...named, name: `cpu ${cpu}: ${named.name}` };
  }

  private ofCpuOffset(offset: number): Described {
    const { memory, s } = this;
    const caches: [string, Address][] = [
      ["", s],
      ...this.system.common.caches().map((other): [string, Address] => [this.nameOf(other), other]),
    ];
    for (const [name, cache] of caches) {
      const into = offset - memory.read32(cache + KmemCacheBase.cpuSlab);
      const described = this.drawing.cpuWord(cache, into);
      if (described === undefined) continue;
      return { ...described, name: name === "" ? described.name : `${name} ${described.name}` };
    }
    return { name: `+${hex(offset)}`, field: "percpu" };
  }

  private ofDescriptors(address: Address): Described {
    const { pages } = this.system;
    const page = pages.array.numbered(0);
    if (address < page) return { name: hex(address), field: "memmap" };
    const bytes = sizeOf(Page);
    const number = Math.floor((address - page) / bytes);
    const field = fieldAt(Page, (address - page) % bytes);
    const isSlab = (this.memory.read32(page + number * bytes + Page.flags) & PG_SLAB) !== 0;
    const draw = (value: number): string =>
      field === "counters" && isSlab ? this.drawing.drawCounters(value) : this.draw(value);
    return { name: `${isSlab ? "slab" : "page"} ${number}.${field}`, field: `page.${field}`, draw };
  }

  private ofPages(address: Address): Described {
    const { memory, s } = this;
    const draw = (value: number): string => this.draw(value);
    const ofCache = this.drawing.cacheWord(address - s);
    if (ofCache !== undefined) return { ...ofCache, draw };
    for (let nid = 0; nid < this.system.machine.options.nodes; nid++) {
      const n = memory.read32(s + KmemCacheBase.node + (nid << 2));
      const named = n === 0 ? undefined : this.drawing.nodeWord(address, nid, n);
      if (named !== undefined) return { draw, ...named };
    }
    const { slab, index, into } = this.objectAt(address);
    if (slab < 0)
      return { name: `page ${address >>> 12}+${hex(address & 0xfff)}`, field: "page data", draw };
    const what = this.drawing.objectWord(s, into);
    return { name: `object ${slab}/${index}${what}`, field: `object${what}`, draw };
  }

  // ---- values ----

  /** A word drawn: an object, a page descriptor, or a number. */
  draw(value: number): string {
    const { layout } = this.system.machine;
    if (value < PAGE_SIZE || value >= layout.end) return value < -4096 ? hex(value) : String(value);
    const { pages } = this.system;
    const descriptors = pages.array.numbered(0);
    if (value >= this.firstPage && value < pages.pageAddress(this.firstPage)) {
      const bytes = sizeOf(Page);
      const into = (value - descriptors) % bytes;
      const number = Math.floor((value - descriptors) / bytes);
      if (into === 0) return `slab ${number}`;
      return into === Page.lru ? `slab ${number}.lru` : hex(value);
    }
    const { slab, index, into } = this.objectAt(value);
    return slab >= 0 && into === 0 ? `${slab}/${index}` : hex(value);
  }

  /** Which object of the scenario's cache the address lies in; slab -1: none. */
  private objectAt(address: Address): { slab: number; index: number; into: number } {
    const { pages } = this.system;
    const none = { slab: -1, index: 0, into: 0 };
    if (!pages.virtAddrValid(address)) return none;
    const page = pages.virtToHeadPage(address);
    if (this.memory.read32(page + Page.slabCache) !== this.s) return none;
    const size = this.memory.read32(this.s + KmemCacheBase.size);
    const first = this.drawing.firstObject(this.s, page);
    const into = address - first;
    if (into < 0) return none;
    return { slab: pages.array.number(page), index: Math.floor(into / size), into: into % size };
  }

  private get memory() {
    return this.system.memory;
  }

  private nameOf(s: Address): string {
    return this.system.common.nameOf(s);
  }
}
